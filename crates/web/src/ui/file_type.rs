//! What a file is, by the ending of its name: for its icon, and for how it can
//! be looked at. Contents decide nothing, and nothing here is ever run.

use super::icon::Icon;
use crate::bridge::{ItemKind, Row};

/// A sort of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    Image,
    Audio,
    Video,
    Pdf,
    Markdown,
    /// Shown as text, whatever it means elsewhere: HTML and scripts too.
    Text,
    Code,
    Archive,
    Sheet,
    Other,
}

impl FileType {
    pub(crate) fn of(name: &str) -> Self {
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref().unwrap_or_default() {
            "png" | "jpg" | "jpeg" | "gif" | "webp" | "avif" | "bmp" | "svg" | "ico" => Self::Image,
            "mp3" | "m4a" | "aac" | "ogg" | "oga" | "opus" | "flac" | "wav" => Self::Audio,
            "mp4" | "m4v" | "webm" | "mov" | "ogv" | "mkv" => Self::Video,
            "pdf" => Self::Pdf,
            "md" | "markdown" => Self::Markdown,
            "txt" | "log" | "text" | "ini" | "conf" | "env" | "pem" | "srt" | "vtt" | "ics"
            | "vcf" | "eml" => Self::Text,
            "rs" | "py" | "js" | "ts" | "html" | "htm" | "css" | "json" | "xml" | "yaml"
            | "yml" | "toml" | "sh" | "c" | "h" | "cpp" | "go" | "java" | "rb" | "php" | "sql"
            | "kt" | "swift" | "tex" => Self::Code,
            "zip" | "gz" | "tgz" | "bz2" | "xz" | "zst" | "7z" | "rar" | "tar" => Self::Archive,
            "csv" | "tsv" | "xls" | "xlsx" | "ods" => Self::Sheet,
            _ => Self::Other,
        }
    }

    /// Whether it can be looked at as text.
    pub(crate) fn is_text(self, name: &str) -> bool {
        let is_table = name.to_ascii_lowercase().ends_with("sv");
        matches!(self, Self::Text | Self::Code | Self::Markdown) || self == Self::Sheet && is_table
    }

    const fn icon(self) -> Icon {
        match self {
            Self::Image => Icon::FileEarmarkImage,
            Self::Audio => Icon::FileEarmarkMusic,
            Self::Video => Icon::FileEarmarkPlay,
            Self::Pdf => Icon::FileEarmarkPdf,
            Self::Markdown | Self::Text => Icon::FileEarmarkText,
            Self::Code => Icon::FileEarmarkCode,
            Self::Archive => Icon::FileEarmarkZip,
            Self::Sheet => Icon::FileEarmarkSpreadsheet,
            Self::Other => Icon::FileEarmark,
        }
    }
}

/// The picture for a row.
pub(crate) fn row_icon(row: &Row) -> Icon {
    match row.kind {
        ItemKind::Folder => Icon::FolderFill,
        ItemKind::Note => Icon::JournalText,
        ItemKind::File => FileType::of(&row.name).icon(),
    }
}
