//! Parts that screens are made of.

pub(crate) mod dialog;
pub(crate) mod field;
pub(crate) mod form;
pub(crate) mod format;
pub(crate) mod menu;
pub(crate) mod meter;
pub(crate) mod proof;
pub(crate) mod qr;
pub(crate) mod rows;
pub(crate) mod state;
pub(crate) mod toast;
