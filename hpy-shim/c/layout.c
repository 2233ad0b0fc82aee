/* hpy-shim/c/layout.c: the layouts that two sides must agree on. Compiling it is the check.
 *
 * Between C and Rust: the types of hpyx/hpy.h, which bindgen reads on one platform for all.
 * Between us and interpreters: the structs that the stable ABI fixes (PyMethodDef, PyType_Slot,
 * PyType_Spec), which c/api.h lays out again. Owns nothing; called by nobody. */
#include "api.h"

#define WORD sizeof(void *)

_Static_assert(sizeof(HPy) == WORD, "a handle is one word, passed like a pointer");
_Static_assert(sizeof(HPyField) == WORD, "a field is one word");
_Static_assert(sizeof(HPyThreadState) == WORD, "a thread state is one word");
_Static_assert(sizeof(intptr_t) == WORD, "raw words hold pointers");
_Static_assert(sizeof(HPyxTask) == 3 * WORD, "callable, args, kwargs");
_Static_assert(sizeof(HPyMeth) == 5 * WORD, "name, function, doc, signature, function");
_Static_assert(offsetof(HPyType_Spec, methods) == 3 * WORD, "name, doc, size, methods");
_Static_assert(offsetof(HPyModuleDef, exec) == 4 * WORD, "name, doc, size, functions, exec");

_Static_assert(sizeof(HPyxRawTypeSlot) == 2 * WORD, "PyType_Slot: int, padding, pointer");
_Static_assert(offsetof(HPyxRawTypeSpec, basicsize) == WORD, "PyType_Spec: name first");
_Static_assert(offsetof(HPyxRawTypeSpec, flags) == WORD + 2 * sizeof(int), "three ints");
_Static_assert(offsetof(HPyxRawTypeSpec, slots) == (WORD == 8 ? 24 : 16),
               "PyType_Spec: slots last");
_Static_assert(sizeof(HPyxRawMethodDef) == 4 * WORD, "PyMethodDef: name, function, flags, doc");
_Static_assert(offsetof(HPyxRawMethodDef, ml_doc) == 3 * WORD, "PyMethodDef: doc last");
