/* hpy-shim/c/type.c: native types, their instances' bodies, and the collector.
 *
 * Owns: the layout rule "our body follows the probed header". Called by: Rust (types.rs) and the
 * slot functions of native types. Threads: attached. Ownership: raw words are borrowed. */
#include "api.h"

#include <stdlib.h>
#include <string.h>

HPyxRawMethodDef *hpyx_raw_methods(const HPyMeth *methods);

typedef int (*visitproc)(PyObject *, void *);
typedef void (*freefunc)(void *);

void *hpyx_body(intptr_t object) {
    return (char *)object + hpyx_probed.header_size;
}

static void add_slot(HPyxRawTypeSlot *slots, size_t *n, int slot, const void *function) {
    void *address;
    memcpy(&address, function, sizeof address);
    if (address == NULL)
        return;
    slots[*n].slot = slot;
    slots[(*n)++].pfunc = address;
}

/* Type made from `spec`. Its slot array may go after the call; its method array must stay. */
PyObject *hpyx_type_from_spec(const HPyType_Spec *spec) {
    HPyxRawTypeSlot slots[8];
    size_t n = 0;
    memset(slots, 0, sizeof slots);
    HPyxRawMethodDef *methods = hpyx_raw_methods(spec->methods);
    if (methods == NULL)
        return hpyx_api.PyErr_NoMemory();
    add_slot(slots, &n, HPYX_TP_DOC, &spec->doc);
    add_slot(slots, &n, HPYX_TP_METHODS, &methods);
    add_slot(slots, &n, HPYX_TP_NEW, &spec->tp_new);
    unsigned flags = HPYX_TPFLAGS_DEFAULT | HPYX_TPFLAGS_BASETYPE;
    /* Where the collector does not look into C fields, bodies hold no reference that could be part
     * of a cycle, and a tp_dealloc that calls back with the dying object would be fatal. */
    if (!hpyx_probed.fields_are_attributes) {
        add_slot(slots, &n, HPYX_TP_DEALLOC, &spec->tp_dealloc);
        add_slot(slots, &n, HPYX_TP_TRAVERSE, &spec->tp_traverse);
        add_slot(slots, &n, HPYX_TP_CLEAR, &spec->tp_clear);
        if (spec->tp_traverse != NULL)
            flags |= HPYX_TPFLAGS_HAVE_GC;
    }
    HPyxRawTypeSpec raw = {
        .name = spec->name,
        .basicsize = (int)(hpyx_probed.header_size + spec->body_size),
        .itemsize = 0,
        .flags = flags,
        .slots = slots,
    };
    return hpyx_api.PyType_FromSpec(&raw);
}

void hpyx_object_untrack(intptr_t object) {
    if (hpyx_api.PyObject_GC_UnTrack != NULL)
        hpyx_api.PyObject_GC_UnTrack((void *)object);
}

void hpyx_object_track(intptr_t object) {
    hpyx_api.PyObject_GC_Track((void *)object);
}

int hpyx_object_is_collectable(intptr_t object) {
    PyObject *type = hpyx_api.PyObject_Type((PyObject *)object);
    unsigned long flags = hpyx_api.PyType_GetFlags((PyTypeObject *)type);
    hpyx_api.Py_DecRef(type);
    return (flags & HPYX_TPFLAGS_HAVE_GC) != 0;
}

/* Where the attributes of a subclass's instance are, if they are our business; else NULL. GraalPy
 * frees and traverses such an instance through its base alone, so the base looks after them, as
 * CPython's subtype_dealloc and subtype_traverse do before they call the base. */
static PyObject **place_of_attributes(PyObject *object) {
    if (hpyx_probed.family != HPYX_FAMILY_GRAALPY || hpyx_api._PyObject_GetDictPtr == NULL)
        return NULL;
    return hpyx_api._PyObject_GetDictPtr(object);
}

static void release_attributes(PyObject *object) {
    PyObject **place = place_of_attributes(object);
    PyObject *attributes = place != NULL ? *place : NULL;
    if (attributes == NULL)
        return;
    *place = NULL;
    hpyx_api.Py_DecRef(attributes);
}

int hpyx_visit_attributes(intptr_t object, void *visit, void *arg) {
    PyObject **place = place_of_attributes((PyObject *)object);
    return place == NULL ? 0 : hpyx_visit((intptr_t)*place, visit, arg);
}

/* The object has got its first attribute, or may have. GraalPy's collector goes through objects in
 * the order in which they were tracked, and finds a cycle only if it meets the attributes before
 * the native object that holds them. */
void hpyx_object_got_attributes(intptr_t object) {
    if (hpyx_probed.family != HPYX_FAMILY_GRAALPY)
        return;
    hpyx_object_untrack(object);
    hpyx_object_track(object);
}

/* An instance of a heap type holds a reference to its type; whoever frees the instance gives it up.
 * */
void hpyx_object_free(intptr_t object) {
    release_attributes((PyObject *)object);
    PyObject *type = hpyx_api.PyObject_Type((PyObject *)object);
    freefunc release = (freefunc)hpyx_api.PyType_GetSlot((PyTypeObject *)type, HPYX_TP_FREE);
    release((void *)object);
    hpyx_api.Py_DecRef(type);
    hpyx_api.Py_DecRef(type);
}

/* On a free-threaded build every allocation counts for the collector, which stops all threads to
 * look at everything. There, what precedes the header is zero again once an instance died
 * (attributes and weak references have been cleared), so that a new header is all that another
 * instance needs; unless values lie behind the body, of which no function of the API knows. */
int hpyx_class_is_revivable(intptr_t type) {
    if (!hpyx_probed.free_threaded || hpyx_api.PyObject_Init == NULL)
        return 0;
    unsigned long flags = hpyx_api.PyType_GetFlags((PyTypeObject *)type);
    return (flags & HPYX_TPFLAGS_INLINE_VALUES) == 0;
}

void hpyx_object_lay_aside(intptr_t object) {
    PyObject *type = hpyx_api.PyObject_Type((PyObject *)object);
    hpyx_api.Py_DecRef(type);
    hpyx_api.Py_DecRef(type);
}

intptr_t hpyx_object_revive(intptr_t remains, intptr_t type, size_t body_size) {
    memset(hpyx_body(remains), 0, body_size);
    return (intptr_t)hpyx_api.PyObject_Init((PyObject *)remains, (PyTypeObject *)type);
}

int hpyx_visit_type(intptr_t object, void *visit, void *arg) {
    PyObject *type = hpyx_api.PyObject_Type((PyObject *)object);
    int stop = ((visitproc)visit)(type, arg);
    hpyx_api.Py_DecRef(type);
    return stop;
}

int hpyx_visit(intptr_t raw, void *visit, void *arg) {
    return raw == 0 ? 0 : ((visitproc)visit)((PyObject *)raw, arg);
}

/* Fields, where they are attributes: one name per offset in the body. The names are never freed; an
 * implementation of this kind has one interpreter per process. */
#define MAX_ATTRIBUTE_FIELDS 16
static PyObject *field_names[MAX_ATTRIBUTE_FIELDS];

static PyObject *field_name(PyObject *owner, const HPyField *field) {
    size_t index =
        (size_t)((const char *)field - (const char *)hpyx_body((intptr_t)owner)) / sizeof *field;
    if (index >= MAX_ATTRIBUTE_FIELDS)
        return NULL;
    if (field_names[index] == NULL) {
        char name[] = "_hpyx_field_a";
        name[sizeof name - 2] = (char)('a' + index);
        field_names[index] = hpyx_api.PyUnicode_InternFromString(name);
    }
    return field_names[index];
}

int hpyx_field_store(PyObject *owner, HPyField *field, PyObject *value) {
    if (!hpyx_probed.fields_are_attributes) {
        PyObject *before = (PyObject *)field->_i;
        if (value != NULL)
            hpyx_api.Py_IncRef(value);
        field->_i = (intptr_t)value;
        if (before != NULL)
            hpyx_api.Py_DecRef(before);
        return 0;
    }
    PyObject *name = field_name(owner, field);
    if (name == NULL)
        return -1;
    if (value == NULL && field->_i == 0)
        return 0;
    field->_i = value != NULL; /* only says whether there is a value */
    return hpyx_api.PyObject_SetAttr(owner, name, value);
}

PyObject *hpyx_field_load(PyObject *owner, const HPyField *field) {
    if (field->_i == 0)
        return NULL;
    if (hpyx_probed.fields_are_attributes)
        return hpyx_api.PyObject_GetAttr(owner, field_name(owner, field));
    hpyx_api.Py_IncRef((PyObject *)field->_i);
    return (PyObject *)field->_i;
}
