//! Media types by the ending of a name: of files that browsers show without
//! running anything. All others are bytes.

/// Of a file that is only to be saved.
pub(crate) const BINARY: &str = "application/octet-stream";

/// The media type of a file of that name.
pub(crate) fn of_name(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "apng" => "image/apng",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "gif" => "image/gif",
        "ico" => "image/x-icon",
        "jpg" | "jpeg" | "jfif" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "aac" => "audio/aac",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "mp3" => "audio/mpeg",
        "oga" | "ogg" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "weba" => "audio/webm",
        "m4v" | "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "ogv" => "video/ogg",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        "md" | "markdown" => "text/markdown",
        "css" | "csv" | "ini" | "json" | "log" | "toml" | "tsv" | "txt" | "xml" | "yaml"
        | "yml" | "html" | "htm" | "js" | "mjs" | "rs" | "py" | "sh" | "c" | "h" | "cpp"
        | "java" | "go" | "sql" | "ts" => "text/plain",
        _ => BINARY,
    }
}
