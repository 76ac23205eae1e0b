//! What a server says over HTTP, as it is read and shown.

use reqwest::Response;

/// As much of the body of an answer as is read: `bytes_max`.
///
/// # Errors
/// Where the connection breaks.
pub(crate) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > bytes_max {
            body.truncate(bytes_max);
            break;
        }
    }
    Ok(body)
}

/// The beginning of what a server says, in one line of at most `chars_max` characters.
pub(crate) fn beginning(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}..", &line[..end]),
        None if line.is_empty() => "nothing".to_owned(),
        None => line,
    }
}

/// An error with its causes, and without the URL, which may hold a password.
pub(crate) fn in_words(error: reqwest::Error) -> String {
    format!("{:#}", anyhow::Error::new(error.without_url()))
}
