//! A bearer token in a file that something else rotates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{ExportRequest, ExportResponse, Signal};
use otlp_transport::{Auth, AuthLayer, BearerTokenFile, BoxError, HttpError, Token, TokenFileError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tower::{Layer, Service, ServiceExt};

/// A file that no other test and no other run uses; gone at the end.
struct File(PathBuf);

impl File {
    fn new(content: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("otlp-token-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let file = Self(std::env::temp_dir().join(name));
        file.write(content);
        file
    }

    /// As those who rotate tokens do it: another file, renamed over the old one.
    fn write(&self, content: &[u8]) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, &self.0).unwrap();
    }

    fn read(&self) -> Result<Token, TokenFileError> {
        BearerTokenFile::new(&self.0).read()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn blanks_and_line_breaks_around_the_token_do_not_count() {
    for content in ["hunter2", "hunter2\n", "hunter2\r\n", "\n  hunter2 \n\n"] {
        let token = File::new(content.as_bytes()).read().unwrap();
        let interval = std::time::Duration::from_secs(10);
        assert_eq!(token, Token::bearer("hunter2").unwrap().with_refresh_after(interval), "{content:?}");
    }
}

#[test]
fn what_holds_no_token_is_an_error_that_names_the_file_and_shows_nothing_of_it() {
    // conf: HDR-09
    let long = [b'x'; 32 * 1024 + 1];
    for (content, problem) in [
        (&b""[..], "is empty"),
        (b" \n", "is empty"),
        (b"hunter2 and more", "holds no token"),
        (b"hunter2\nx-evil: 1", "holds no token"),
        (b"hunter2\0", "holds no token"),
        (b"hunter2\xff", "holds no token"),
        (&long, "is longer than"),
    ] {
        let file = File::new(content);
        let error = file.read().unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(error.to_string().contains(problem), "{text}");
        assert!(text.contains(file.0.to_str().unwrap()) && !text.contains("hunter2"), "{text}");
    }
    let directory = BearerTokenFile::new(std::env::temp_dir()).read().unwrap_err();
    assert!(directory.to_string().contains("is no regular file"), "{directory}");
}

/// Nobody writes to it.
#[test]
#[cfg(unix)]
fn a_pipe_is_refused_and_not_waited_for() {
    let pipe = File::new(b"");
    std::fs::remove_file(&pipe.0).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe.0).status().unwrap().success());
    let (told, answer) = std::sync::mpsc::channel();
    let path = pipe.0.clone();
    std::thread::spawn(move || told.send(BearerTokenFile::new(path).read()));
    let result = answer.recv_timeout(std::time::Duration::from_secs(60)).expect("it does not hang");
    assert!(result.unwrap_err().to_string().ends_with("is no regular file"));
}

/// A stack at a receiver that knows one token at a time.
#[derive(Clone)]
struct Receiver(std::sync::Arc<std::sync::Mutex<String>>);

impl Receiver {
    fn expecting(token: &str) -> Self {
        Self(std::sync::Arc::new(std::sync::Mutex::new(format!("Bearer {token}"))))
    }

    fn expect(&self, token: &str) {
        *self.0.lock().unwrap() = format!("Bearer {token}");
    }

    fn with_token_from(&self, path: &Path) -> Auth<impl otlp_transport::ExportService + Clone + use<>> {
        self.behind(AuthLayer::new(BearerTokenFile::new(path)))
    }

    fn behind(&self, layer: AuthLayer) -> Auth<impl otlp_transport::ExportService + Clone + use<>> {
        let expected = std::sync::Arc::clone(&self.0);
        layer.layer(tower::service_fn(move |request: ExportRequest| {
            let known = request.headers()[0].1 == *expected.lock().unwrap();
            async move {
                if known { Ok(ExportResponse::success()) } else { Err(BoxError::from(HttpError::new(401))) }
            }
        }))
    }
}

async fn send<S: Service<ExportRequest, Response = ExportResponse, Error = BoxError> + Clone>(
    stack: &S,
) -> Result<ExportResponse, BoxError> {
    stack.clone().oneshot(ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"x"))).await
}

#[tokio::test]
async fn a_rotated_token_is_taken_up_at_once_when_the_old_one_is_refused() {
    let file = File::new(b"old\n");
    let receiver = Receiver::expecting("old");
    let stack = receiver.with_token_from(&file.0);
    send(&stack).await.unwrap();
    file.write(b"new\n");
    send(&stack).await.expect("the old one is still known");
    receiver.expect("new");
    send(&stack).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_bad_file_leaves_the_old_token_in_use_until_that_is_refused() {
    let file = File::new(b"old\n");
    let receiver = Receiver::expecting("old");
    // Read on this thread, because a real one knows nothing of paused time.
    let (looked, mut looks) = tokio::sync::mpsc::unbounded_channel();
    let path = file.0.clone();
    let layer = AuthLayer::new(move || {
        let _ = looked.send(());
        std::future::ready(BearerTokenFile::new(&path).read())
    });
    let stack = receiver.behind(layer);
    send(&stack).await.unwrap();
    looks.recv().await.unwrap();
    for bad in [&b""[..], b"two words"] {
        file.write(bad);
        tokio::time::advance(std::time::Duration::from_secs(60)).await;
        send(&stack).await.unwrap();
        looks.recv().await.expect("the file was looked at");
        send(&stack).await.unwrap();
    }
    receiver.expect("new");
    let error = send(&stack).await.unwrap_err();
    assert!(error.to_string().contains(file.0.to_str().unwrap()), "{error}");
    assert!(otlp_transport::classify(&Err(error)).is_retryable());
}

#[tokio::test]
async fn a_missing_file_keeps_the_data() {
    let file = File::new(b"x");
    std::fs::remove_file(&file.0).unwrap();
    let error = send(&Receiver::expecting("x").with_token_from(&file.0)).await.unwrap_err();
    assert!(error.to_string().contains(file.0.to_str().unwrap()), "{error}");
    assert!(otlp_transport::classify(&Err(error)).is_retryable());
}
