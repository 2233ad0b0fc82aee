//! Rust declarations of `include/hpyx/hpy.h`, written by bindgen. Do not edit.
//!
//! To write this file again after a change of the header: `python3 ci/bindings.py`. The check
//! `bindings` of `ci/check.py` fails when it is not current.

#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct _HPy_s {
    pub _i: isize,
}
pub type HPy = _HPy_s;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct _HPyField_s {
    pub _i: isize,
}
pub type HPyField = _HPyField_s;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct _HPyThreadState_s {
    pub _i: isize,
}
pub type HPyThreadState = _HPyThreadState_s;
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct _HPyxHandled_s {
    pub type_: isize,
    pub value: isize,
    pub traceback: isize,
    pub is_aside: ::core::ffi::c_int,
}
pub type HPyxHandled = _HPyxHandled_s;
pub type HPyContext = _HPyContext_s;
pub type HPyFunc_visitproc = ::core::option::Option<
    unsafe extern "C" fn(field: *mut HPyField, arg: *mut ::core::ffi::c_void) -> ::core::ffi::c_int,
>;
pub type HPyFunc_raw_keywords = ::core::option::Option<
    unsafe extern "C" fn(self_: isize, args: *const isize, nargs: isize, kwnames: isize) -> isize,
>;
pub type HPyFunc_raw_o =
    ::core::option::Option<unsafe extern "C" fn(self_: isize, arg: isize) -> isize>;
pub const HPyFunc_KEYWORDS: _bindgen_ty_1 = 0;
pub const HPyFunc_NOARGS: _bindgen_ty_1 = 1;
pub const HPyFunc_O: _bindgen_ty_1 = 2;
pub type _bindgen_ty_1 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct _HPyMeth_s {
    pub name: *const ::core::ffi::c_char,
    pub impl_: HPyFunc_raw_keywords,
    pub doc: *const ::core::ffi::c_char,
    pub signature: ::core::ffi::c_uint,
    pub impl_o: HPyFunc_raw_o,
}
impl Default for _HPyMeth_s {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        // SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
        // zeroed memory is a valid value of each.
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type HPyMeth = _HPyMeth_s;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct _HPyType_Spec_s {
    pub name: *const ::core::ffi::c_char,
    pub doc: *const ::core::ffi::c_char,
    pub body_size: usize,
    pub methods: *const HPyMeth,
    pub tp_new: ::core::option::Option<
        unsafe extern "C" fn(type_: isize, args: isize, kwargs: isize) -> isize,
    >,
    pub tp_dealloc: ::core::option::Option<unsafe extern "C" fn(self_: isize)>,
    pub tp_traverse: ::core::option::Option<
        unsafe extern "C" fn(
            self_: isize,
            visit: *mut ::core::ffi::c_void,
            arg: *mut ::core::ffi::c_void,
        ) -> ::core::ffi::c_int,
    >,
    pub tp_clear: ::core::option::Option<unsafe extern "C" fn(self_: isize) -> ::core::ffi::c_int>,
}
impl Default for _HPyType_Spec_s {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        // SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
        // zeroed memory is a valid value of each.
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type HPyType_Spec = _HPyType_Spec_s;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct _HPyModuleDef_s {
    pub name: *const ::core::ffi::c_char,
    pub doc: *const ::core::ffi::c_char,
    pub state_size: usize,
    pub methods: *const HPyMeth,
    pub exec: ::core::option::Option<unsafe extern "C" fn(module: isize) -> ::core::ffi::c_int>,
}
impl Default for _HPyModuleDef_s {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        // SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
        // zeroed memory is a valid value of each.
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type HPyModuleDef = _HPyModuleDef_s;
pub const _HPyxFamily_e_HPYX_FAMILY_CPYTHON: _HPyxFamily_e = 0;
pub const _HPyxFamily_e_HPYX_FAMILY_PYPY: _HPyxFamily_e = 1;
pub const _HPyxFamily_e_HPYX_FAMILY_GRAALPY: _HPyxFamily_e = 2;
pub type _HPyxFamily_e = ::core::ffi::c_uint;
pub use self::_HPyxFamily_e as HPyxFamily;
pub const HPYX_MOD_EXEC: _bindgen_ty_2 = 2;
pub const HPYX_MOD_MULTIPLE_INTERPRETERS: _bindgen_ty_2 = 3;
pub const HPYX_MOD_GIL: _bindgen_ty_2 = 4;
pub type _bindgen_ty_2 = ::core::ffi::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct _HPyxProbe_s {
    pub family: HPyxFamily,
    pub major: ::core::ffi::c_int,
    pub minor: ::core::ffi::c_int,
    pub micro: ::core::ffi::c_int,
    pub free_threaded: ::core::ffi::c_int,
    pub header_size: usize,
    pub slot_multiple_interpreters: ::core::ffi::c_int,
    pub slot_gil: ::core::ffi::c_int,
    pub native_context_vars: ::core::ffi::c_int,
    pub fields_are_attributes: ::core::ffi::c_int,
    pub debug: ::core::ffi::c_int,
    pub counts_calls: ::core::ffi::c_int,
    pub refcounts_are_known: ::core::ffi::c_int,
}
impl Default for _HPyxProbe_s {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        // SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
        // zeroed memory is a valid value of each.
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
pub type HPyxProbe = _HPyxProbe_s;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct _HPyContext_s {
    pub name: *const ::core::ffi::c_char,
    pub ctx_Dup:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> HPy>,
    pub ctx_Close: ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy)>,
    pub ctx_Long_FromInt64_t:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, v: i64) -> HPy>,
    pub ctx_Long_FromUInt64_t:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, v: u64) -> HPy>,
    pub ctx_Long_AsInt64_t:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> i64>,
    pub ctx_Float_FromDouble:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, v: f64) -> HPy>,
    pub ctx_Float_AsDouble:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> f64>,
    pub ctx_Bool_FromBool: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, v: ::core::ffi::c_int) -> HPy,
    >,
    pub ctx_Unicode_FromString: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, utf8: *const ::core::ffi::c_char) -> HPy,
    >,
    pub ctx_Unicode_FromStringAndSize: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            utf8: *const ::core::ffi::c_char,
            size: isize,
        ) -> HPy,
    >,
    pub ctx_Unicode_InternFromString: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, utf8: *const ::core::ffi::c_char) -> HPy,
    >,
    pub ctx_Unicode_AsUTF8AndSize: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            size: *mut isize,
        ) -> *const ::core::ffi::c_char,
    >,
    pub ctx_Bytes_FromStringAndSize: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            bytes: *const ::core::ffi::c_char,
            size: isize,
        ) -> HPy,
    >,
    pub ctx_Tuple_FromArray: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, items: *const HPy, n: isize) -> HPy,
    >,
    pub ctx_List_New: ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPy>,
    pub ctx_List_Append: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, list: HPy, item: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_Dict_New: ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPy>,
    pub ctx_Length:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> isize>,
    pub ctx_GetItem: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, h: HPy, key: HPy) -> HPy,
    >,
    pub ctx_SetItem: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            key: HPy,
            value: HPy,
        ) -> ::core::ffi::c_int,
    >,
    pub ctx_SetItem_s: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            key: *const ::core::ffi::c_char,
            value: HPy,
        ) -> ::core::ffi::c_int,
    >,
    pub ctx_Iter_Next:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> HPy>,
    pub ctx_GetAttr: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, h: HPy, name: HPy) -> HPy,
    >,
    pub ctx_GetAttr_s: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            name: *const ::core::ffi::c_char,
        ) -> HPy,
    >,
    pub ctx_SetAttr: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            name: HPy,
            value: HPy,
        ) -> ::core::ffi::c_int,
    >,
    pub ctx_SetAttr_s: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            h: HPy,
            name: *const ::core::ffi::c_char,
            value: HPy,
        ) -> ::core::ffi::c_int,
    >,
    pub ctx_Type:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> HPy>,
    pub ctx_TypeCheck: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, h: HPy, type_: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_Is: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, a: HPy, b: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_IsTrue: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_Str:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> HPy>,
    pub ctx_Repr:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> HPy>,
    pub ctx_Callable_Check: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, h: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_Call: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            callable: HPy,
            args: *const HPy,
            nargs: usize,
            kwnames: HPy,
        ) -> HPy,
    >,
    pub ctx_CallTupleDict: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, callable: HPy, args: HPy, kwargs: HPy) -> HPy,
    >,
    pub ctx_Import_ImportModule: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, name: *const ::core::ffi::c_char) -> HPy,
    >,
    pub ctx_Err_SetString: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, type_: HPy, utf8: *const ::core::ffi::c_char),
    >,
    pub ctx_Err_SetObject: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, type_: HPy, value: HPy),
    >,
    pub ctx_Err_Occurred:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> ::core::ffi::c_int>,
    pub ctx_Err_Clear: ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext)>,
    pub ctx_Err_NoMemory: ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext)>,
    pub ctx_Err_WriteUnraisable:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, about: HPy)>,
    pub ctx_Err_GetRaised:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPy>,
    pub ctx_Err_Raise:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, value: HPy)>,
    pub ctx_Err_CheckSignals:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> ::core::ffi::c_int>,
    pub ctx_Err_SaveHandled:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPyxHandled>,
    pub ctx_Err_RestoreHandled:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, saved: HPyxHandled)>,
    pub ctx_Type_FromSpec: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, spec: *const HPyType_Spec) -> HPy,
    >,
    pub ctx_New:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext, type_: HPy) -> HPy>,
    pub ctx_Field_Store: ::core::option::Option<
        unsafe extern "C" fn(
            ctx: *const HPyContext,
            owner: HPy,
            field: *mut HPyField,
            value: HPy,
        ) -> ::core::ffi::c_int,
    >,
    pub ctx_Field_Load: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, owner: HPy, field: *const HPyField) -> HPy,
    >,
    pub ctx_ContextVars_New:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPy>,
    pub ctx_ContextVars_CopyCurrent:
        ::core::option::Option<unsafe extern "C" fn(ctx: *const HPyContext) -> HPy>,
    pub ctx_ContextVars_Enter: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, context: HPy) -> ::core::ffi::c_int,
    >,
    pub ctx_ContextVars_Exit: ::core::option::Option<
        unsafe extern "C" fn(ctx: *const HPyContext, context: HPy) -> ::core::ffi::c_int,
    >,
}
impl Default for _HPyContext_s {
    fn default() -> Self {
        let mut s = ::core::mem::MaybeUninit::<Self>::uninit();
        // SAFETY: integers, pointers, an enumeration that has a zero, optional function pointers:
        // zeroed memory is a valid value of each.
        unsafe {
            ::core::ptr::write_bytes(s.as_mut_ptr(), 0, 1);
            s.assume_init()
        }
    }
}
unsafe extern "C" {
    pub fn hpyx_context() -> *const HPyContext;
}
unsafe extern "C" {
    pub fn hpyx_probe() -> *const HPyxProbe;
}
unsafe extern "C" {
    pub fn hpyx_module_init(def: *const HPyModuleDef) -> *mut ::core::ffi::c_void;
}
unsafe extern "C" {
    pub fn hpyx_load_error() -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn hpyx_module_state(module: isize) -> *mut ::core::ffi::c_void;
}
unsafe extern "C" {
    pub fn hpyx_body(object: isize) -> *mut ::core::ffi::c_void;
}
unsafe extern "C" {
    pub fn hpyx_object_untrack(object: isize);
}
unsafe extern "C" {
    pub fn hpyx_object_track(object: isize);
}
unsafe extern "C" {
    pub fn hpyx_object_is_collectable(object: isize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_object_free(object: isize);
}
unsafe extern "C" {
    pub fn hpyx_class_is_revivable(type_: isize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_object_lay_aside(object: isize);
}
unsafe extern "C" {
    pub fn hpyx_object_revive(remains: isize, type_: isize, body_size: usize) -> isize;
}
unsafe extern "C" {
    pub fn hpyx_object_has_one_reference(object: isize) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_object_got_attributes(object: isize);
}
unsafe extern "C" {
    pub fn hpyx_visit_type(
        object: isize,
        visit: *mut ::core::ffi::c_void,
        arg: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_visit(
        raw: isize,
        visit: *mut ::core::ffi::c_void,
        arg: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_visit_attributes(
        object: isize,
        visit: *mut ::core::ffi::c_void,
        arg: *mut ::core::ffi::c_void,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_borrow(raw: isize) -> HPy;
}
unsafe extern "C" {
    pub fn hpyx_unborrow(h: HPy);
}
unsafe extern "C" {
    pub fn hpyx_own(raw: isize) -> HPy;
}
unsafe extern "C" {
    pub fn hpyx_disown(h: HPy) -> isize;
}
unsafe extern "C" {
    pub fn hpyx_peek(h: HPy) -> isize;
}
unsafe extern "C" {
    pub fn hpyx_release(raw: isize);
}
#[repr(C)]
#[derive(Debug, Default, Copy, Clone)]
pub struct _HPyxTask_s {
    pub callable: isize,
    pub args: isize,
    pub kwargs: isize,
}
pub type HPyxTask = _HPyxTask_s;
pub const HPYX_ARGS_NONE: _bindgen_ty_3 = 0;
pub const HPYX_ARGS_ONE: _bindgen_ty_3 = 1;
pub const HPYX_ARGS_TUPLE: _bindgen_ty_3 = 2;
pub const HPYX_ARGS_NAMED: _bindgen_ty_3 = 3;
pub const HPYX_ARGS_DICT: _bindgen_ty_3 = 4;
pub type _bindgen_ty_3 = ::core::ffi::c_uint;
unsafe extern "C" {
    pub fn hpyx_task_pack(
        task: *mut HPyxTask,
        callable: isize,
        args: *const isize,
        nargs: isize,
        kwnames: isize,
    ) -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_task_call(
        ctx: *const HPyContext,
        task: *const HPyxTask,
        shape: ::core::ffi::c_int,
    ) -> HPy;
}
unsafe extern "C" {
    pub fn hpyx_detach() -> isize;
}
unsafe extern "C" {
    pub fn hpyx_attach(thread_state: isize);
}
unsafe extern "C" {
    pub fn hpyx_finalizing() -> ::core::ffi::c_int;
}
unsafe extern "C" {
    pub fn hpyx_open_handles() -> usize;
}
unsafe extern "C" {
    pub fn hpyx_missing_function(index: usize) -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn hpyx_denied_function(index: usize) -> *const ::core::ffi::c_char;
}
unsafe extern "C" {
    pub fn hpyx_call_count(index: usize, count: *mut u64) -> *const ::core::ffi::c_char;
}
