//! Takes the parts of an upload out of its form.

use bytes::Bytes;

/// One part.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content_type: Option<String>,
    pub(crate) bytes: Bytes,
}

/// The parts, or `None` if it is not such a form.
pub(crate) fn parts(content_type: &str, body: &Bytes) -> Option<Vec<Part>> {
    let boundary = content_type.strip_prefix("multipart/form-data;")?.trim().strip_prefix("boundary=")?;
    let boundary = boundary.trim_matches('"');
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut at = find(body, delimiter.as_bytes(), 0)? + delimiter.len();
    let delimiter = format!("\r\n--{boundary}");
    while !body[at..].starts_with(b"--") {
        let head_end = find(body, b"\r\n\r\n", at)?;
        let end = find(body, delimiter.as_bytes(), head_end)?;
        let head = String::from_utf8_lossy(&body[at..head_end]).into_owned();
        let name = head.split("; name=\"").nth(1)?.split('"').next()?.to_owned();
        let content_type = head.lines().find_map(|line| line.strip_prefix("Content-Type: ")).map(str::to_owned);
        parts.push(Part { name, content_type, bytes: body.slice(head_end + 4..end) });
        at = end + delimiter.len();
    }
    Some(parts)
}

fn find(body: &[u8], what: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(what.len()).position(|window| window == what).map(|at| from + at)
}
