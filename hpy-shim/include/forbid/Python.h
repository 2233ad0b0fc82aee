/* hpy-shim/include/forbid/Python.h: guard rail, first on the include path of every C file here.
 * The handle layer resolves the C API at run time; a file that includes CPython's own header would
 * bake one interpreter's object layout into a binary that has to serve all of them. */
#error "hpy-shim must not see an interpreter's Python.h: list the function in c/slots.def instead"
