/* hpy-shim/c/symbols.c: see symbols.h. Threads: called once, at load. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* RTLD_DEFAULT, dl_iterate_phdr */
#endif
#include "symbols.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int walked;

int hpyx_symbols_walked(void) {
    return walked;
}

#if defined(_WIN32)

#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#define PSAPI_VERSION 2
#include <psapi.h>

static HMODULE found_in;

/* Windows has no global scope: every module of the process is asked in turn. */
int hpyx_symbols_open(const char *marker, const char *alternative, int hide_global,
                      int hide_objects) {
    HMODULE modules[1024];
    DWORD bytes = 0;
    walked = 0;
    if ((hide_global && hide_objects) ||
        !K32EnumProcessModules(GetCurrentProcess(), modules, sizeof modules, &bytes))
        return -1;
    for (DWORD i = 0; i < bytes / sizeof(HMODULE) && i < 1024; i++) {
        walked++;
        if (GetProcAddress(modules[i], marker) || GetProcAddress(modules[i], alternative)) {
            found_in = modules[i];
            return 0;
        }
    }
    return -1;
}

void *hpyx_symbols_find(const char *name) {
    return (void *)GetProcAddress(found_in, name);
}

void hpyx_symbols_stay(void) {
    HMODULE self;
    GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                       (LPCSTR)&walked, &self);
}

#else

#include <dlfcn.h>

static void *place = RTLD_DEFAULT;

static int offers(void *where, const char *marker, const char *alternative) {
    return dlsym(where, marker) != NULL || dlsym(where, alternative) != NULL;
}

static int try_object(const char *path, const char *marker, const char *alternative) {
    walked++;
    void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (handle == NULL)
        return 0;
    if (offers(handle, marker, alternative)) {
        place = handle; /* kept open: it is where the interpreter lives */
        return 1;
    }
    dlclose(handle);
    return 0;
}

#if defined(__APPLE__)

#include <mach-o/dyld.h>

static int walk_objects(const char *marker, const char *alternative) {
    for (uint32_t i = 0; i < _dyld_image_count(); i++)
        if (try_object(_dyld_get_image_name(i), marker, alternative))
            return 1;
    return 0;
}

#else

#include <link.h>

/* Names are collected first and tried afterwards: opening an object inside dl_iterate_phdr takes
 * the loader's locks in the wrong order. */
enum { MAX_OBJECTS = 1024 };

struct names {
    char *names[MAX_OBJECTS];
    int count;
};

static int collect_name(struct dl_phdr_info *info, size_t size, void *data) {
    struct names *names = data;
    (void)size;
    if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0' && names->count < MAX_OBJECTS)
        names->names[names->count++] = strdup(info->dlpi_name);
    return 0;
}

static int walk_objects(const char *marker, const char *alternative) {
    struct names names = {.count = 0};
    int found = 0;
    dl_iterate_phdr(collect_name, &names);
    for (int i = 0; i < names.count; i++) {
        if (!found && names.names[i] != NULL)
            found = try_object(names.names[i], marker, alternative);
        free(names.names[i]);
    }
    return found;
}

#endif

int hpyx_symbols_open(const char *marker, const char *alternative, int hide_global,
                      int hide_objects) {
    walked = 0;
    place = RTLD_DEFAULT;
    if (!hide_global && offers(RTLD_DEFAULT, marker, alternative))
        return 0;
    if (!hide_objects && walk_objects(marker, alternative))
        return 0;
    return -1;
}

void *hpyx_symbols_find(const char *name) {
    return dlsym(place, name);
}

void hpyx_symbols_stay(void) {
    Dl_info self;
    if (dladdr(&walked, &self) != 0 && self.dli_fname != NULL)
        dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}

#endif
