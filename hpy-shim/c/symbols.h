/* hpy-shim/c/symbols.h: how an operating system finds a symbol of the running program.
 * Owns: the Linux, macOS and Windows branches. Called by: c/api.c at load. */
#ifndef HPYX_SYMBOLS_H
#define HPYX_SYMBOLS_H

/* Chooses where to look: the global scope of the process or, when `marker` is not there (an
 * embedding program loaded the interpreter privately), the loaded object that has it.
 * `hide_global`, `hide_objects` pretend, for the tests, that a place has nothing.
 * Returns 0, or -1 when no loaded object offers `marker` or `alternative`. */
int hpyx_symbols_open(const char *marker, const char *alternative, int hide_global,
                      int hide_objects);
/* The address of `name` there, or NULL. */
void *hpyx_symbols_find(const char *name);
/* How many loaded objects the last hpyx_symbols_open walked, for its error text. */
int hpyx_symbols_walked(void);
/* Keeps the library that this is part of in memory until the process ends. An interpreter may
 * unload it earlier (GraalPy does, at exit), while threads still have thread-local values of ours,
 * whose destructors run when those threads end. */
void hpyx_symbols_stay(void);

#endif
