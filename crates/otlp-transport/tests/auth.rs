//! The layer that authenticates: tokens fetched, shared, renewed, refused; requests that wait for one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use otlp_model::{DropReason, ExportRequest, ExportResponse, Signal};
use otlp_transport::{
    AttemptTimeoutLayer, AuthLayer, BoxError, CredentialsError, Disposition, GrpcCode, GrpcError, Headers,
    HeadersLayer, HttpError, RetryLayer, RetryPolicy, TimeoutError, Token, classify,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tower::{Service, ServiceBuilder, ServiceExt};

const SECOND: Duration = Duration::from_secs(1);

fn request() -> ExportRequest {
    ExportRequest::new(Signal::Traces, 1, Bytes::from_static(b"x"))
}

/// What a terminal saw of each request: its `authorization`.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A terminal that gives these answers, one after the other, then success.
fn terminal(
    seen: &Seen,
    answers: impl IntoIterator<Item = BoxError>,
) -> impl Service<ExportRequest, Response = ExportResponse, Error = BoxError, Future: Send + 'static>
+ Clone
+ Send
+ 'static {
    let answers = Arc::new(Mutex::new(answers.into_iter().collect::<VecDeque<_>>()));
    let seen = seen.clone();
    tower::service_fn(move |request: ExportRequest| {
        let value = request.headers().iter().find(|(name, _)| name == "authorization");
        seen.0.lock().unwrap().push(value.map(|(_, value)| value.clone()).unwrap_or_default());
        let answer = answers.lock().unwrap().pop_front();
        async move { answer.map_or_else(|| Ok(ExportResponse::success()), Err) }
    })
}

/// Credentials that count: `Bearer 1`, `Bearer 2` and so on.
fn counting(lifetime: Option<Duration>) -> (AuthLayer, Arc<AtomicUsize>) {
    let fetches = Arc::new(AtomicUsize::new(0));
    let layer = AuthLayer::new({
        let fetches = Arc::clone(&fetches);
        move || {
            let number = fetches.fetch_add(1, SeqCst) + 1;
            async move {
                let token = Token::bearer(&number.to_string())?;
                Ok::<_, BoxError>(match lifetime {
                    Some(lifetime) => token.with_lifetime(lifetime),
                    None => token,
                })
            }
        }
    });
    (layer, fetches)
}

fn unauthorized() -> BoxError {
    HttpError::new(401).into()
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_all_stacks_until_its_time() {
    // conf: HDR-07
    let (layer, fetches) = counting(Some(100 * SECOND));
    let seen = Seen::default();
    let stacks = [0; 3].map(|_| layer.clone().layer_on(terminal(&seen, [])));
    for stack in &stacks {
        stack.clone().oneshot(request()).await.unwrap();
    }
    assert_eq!((fetches.load(SeqCst), seen.all()), (1, vec!["Bearer 1".to_owned(); 3]));
    tokio::time::advance(80 * SECOND).await;
    stacks[0].clone().oneshot(request()).await.unwrap();
    tokio::task::yield_now().await;
    stacks[1].clone().oneshot(request()).await.unwrap();
    assert_eq!(fetches.load(SeqCst), 2);
    assert_eq!(seen.all()[3..], ["Bearer 1", "Bearer 2"], "the old one serves while the new one is fetched");
}

trait LayerOn {
    fn layer_on<S>(self, inner: S) -> otlp_transport::Auth<S>;
}

impl LayerOn for AuthLayer {
    fn layer_on<S>(self, inner: S) -> otlp_transport::Auth<S> {
        tower::Layer::layer(&self, inner)
    }
}

#[tokio::test(start_paused = true)]
async fn requests_wait_for_the_first_token_and_none_goes_without() {
    let gate = Arc::new(Semaphore::new(0));
    let layer = AuthLayer::new({
        let gate = Arc::clone(&gate);
        move || {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await?.forget();
                Ok::<_, BoxError>(Token::bearer("late")?)
            }
        }
    });
    let seen = Seen::default();
    let stack = layer.layer_on(terminal(&seen, []));
    let calls: Vec<_> = (0..10).map(|_| tokio::spawn(stack.clone().oneshot(request()))).collect();
    tokio::time::advance(SECOND).await;
    tokio::task::yield_now().await;
    assert!(seen.all().is_empty());
    gate.add_permits(1);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(seen.all(), vec!["Bearer late"; 10]);
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_bounded_by_the_attempt_and_the_fetch_goes_on() {
    let (asked, mut fetches) = mpsc::unbounded_channel();
    let layer = AuthLayer::new(move || {
        let _ = asked.send(());
        async {
            tokio::time::sleep(3 * SECOND).await;
            Token::bearer("slow")
        }
    });
    let seen = Seen::default();
    let mut stack = ServiceBuilder::new()
        .layer(AttemptTimeoutLayer::new(2 * SECOND))
        .layer(layer)
        .service(terminal(&seen, []));
    let error = stack.ready().await.unwrap().call(request()).await.unwrap_err();
    assert!(error.is::<TimeoutError>(), "{error}");
    stack.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(seen.all(), ["Bearer slow"]);
    fetches.recv().await.unwrap();
    assert!(fetches.try_recv().is_err(), "one fetch served both");
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_is_retryable_says_why_and_is_not_repeated_at_once() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let layer = AuthLayer::new({
        let fetches = Arc::clone(&fetches);
        move || {
            fetches.fetch_add(1, SeqCst);
            async { Err::<Token, BoxError>("the token endpoint answered 500".into()) }
        }
    });
    let seen = Seen::default();
    let stack = layer.layer_on(terminal(&seen, []));
    for _ in 0..100 {
        let result = stack.clone().oneshot(request()).await;
        assert!(
            matches!(classify(&result), Disposition::Retryable { after: Some(wait), .. } if wait > Duration::ZERO)
        );
        let error = result.unwrap_err();
        assert!(error.is::<CredentialsError>());
        assert_eq!(error.to_string(), "could not get credentials: the token endpoint answered 500");
    }
    assert_eq!(fetches.load(SeqCst), 1);
    // A thousand requests over ten minutes: as many fetches as a back-off up to half a minute makes.
    for _ in 0..1_000 {
        tokio::time::advance(Duration::from_millis(600)).await;
        stack.clone().oneshot(request()).await.unwrap_err();
    }
    assert!((15..60).contains(&fetches.load(SeqCst)), "{fetches:?}");
    assert!(seen.all().is_empty(), "nothing was sent without");
}

#[tokio::test(start_paused = true)]
async fn exports_outlive_a_token_endpoint_that_is_down_for_a_while() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let layer = AuthLayer::new(move || {
        let number = fetches.fetch_add(1, SeqCst);
        async move { if number < 4 { Err("down".into()) } else { Ok::<_, BoxError>(Token::bearer("up")?) } }
    });
    let seen = Seen::default();
    let mut stack = ServiceBuilder::new()
        .layer(RetryLayer::new(RetryPolicy::default()))
        .layer(layer)
        .service(terminal(&seen, []));
    stack.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(seen.all(), ["Bearer up"]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_hang_or_panic_are_a_failure_like_others() {
    let seen = Seen::default();
    let hanging = AuthLayer::new(std::future::pending::<Result<Token, BoxError>>);
    let hanging = hanging.with_fetch_timeout(3 * SECOND).layer_on(terminal(&seen, []));
    let error = hanging.oneshot(request()).await.unwrap_err();
    assert_eq!(error.to_string(), "could not get credentials: nothing came within 3s");
    let panicking = AuthLayer::new(|| async {
        let nothing: Vec<String> = Vec::new();
        Token::bearer(&nothing[0])
    });
    let error = panicking.layer_on(terminal(&seen, [])).oneshot(request()).await.unwrap_err();
    assert_eq!(error.to_string(), "could not get credentials: the fetch panicked or was cut off");
    assert!(seen.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_and_the_request_sent_once_more() {
    // conf: SURV-10
    let unauthenticated = || BoxError::from(GrpcError::new(GrpcCode::Unauthenticated, "expired"));
    for refusal in [unauthorized, unauthenticated] {
        let (layer, fetches) = counting(None);
        let seen = Seen::default();
        let stack = layer.layer_on(terminal(&seen, [refusal()]));
        stack.oneshot(request()).await.unwrap();
        assert_eq!((seen.all(), fetches.load(SeqCst)), (vec!["Bearer 1".into(), "Bearer 2".into()], 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_refuses_every_token_causes_neither_a_loop_nor_a_storm() {
    // conf: SURV-10
    let (layer, fetches) = counting(None);
    let seen = Seen::default();
    let stack = layer.layer_on(terminal(&seen, (0..1_000).map(|_| unauthorized())));
    for _ in 0..100 {
        let result = stack.clone().oneshot(request()).await;
        assert_eq!(classify(&result), Disposition::Permanent { reason: DropReason::NotRetryable });
    }
    assert_eq!((seen.all().len(), fetches.load(SeqCst)), (101, 2));
    tokio::time::advance(30 * SECOND).await;
    stack.clone().oneshot(request()).await.unwrap_err();
    assert_eq!((seen.all().len(), fetches.load(SeqCst)), (103, 3));
}

#[tokio::test(start_paused = true)]
async fn the_same_token_again_is_not_tried_again() {
    let seen = Seen::default();
    let stack =
        AuthLayer::new(|| async { Token::bearer("always") }).layer_on(terminal(&seen, [unauthorized()]));
    let error = stack.oneshot(request()).await.unwrap_err();
    assert!(error.is::<HttpError>(), "{error}");
    assert_eq!(seen.all().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_another_token_keeps_the_data() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let layer = AuthLayer::new(move || {
        let number = fetches.fetch_add(1, SeqCst);
        async move { if number == 0 { Ok(Token::bearer("old")?) } else { Err(BoxError::from("down")) } }
    });
    let seen = Seen::default();
    let result = layer.layer_on(terminal(&seen, [unauthorized()])).oneshot(request()).await;
    assert!(classify(&result).is_retryable());
    assert_eq!(
        result.unwrap_err().to_string(),
        "the receiver refused the credentials, and others could not be had: down"
    );
}

#[tokio::test]
async fn other_refusals_are_nothing_to_do_with_the_token() {
    for status in [400, 403, 407, 500, 503] {
        let (layer, fetches) = counting(None);
        let seen = Seen::default();
        let stack = layer.layer_on(terminal(&seen, [HttpError::new(status).into()]));
        stack.oneshot(request()).await.unwrap_err();
        assert_eq!((seen.all().len(), fetches.load(SeqCst)), (1, 1), "{status}");
    }
}

#[tokio::test]
async fn the_more_specific_header_holds() {
    let stack = |above: Option<&'static str>| {
        ServiceBuilder::new()
            .map_request(move |mut request: ExportRequest| {
                if let Some(value) = above {
                    request.add_header("Authorization", value);
                }
                request
            })
            .layer(AuthLayer::new(|| async { Token::bearer("fetched")?.with_header("X-Project", "p") }))
            .layer(HeadersLayer::new(Headers::parse("authorization=configured,x=1").unwrap()))
            .service_fn(|request: ExportRequest| async move {
                let value = |name| {
                    request
                        .headers()
                        .iter()
                        .filter(|(n, _)| n == name)
                        .map(|(_, v)| v.clone())
                        .collect::<Vec<_>>()
                };
                assert_eq!(value("x-project"), ["p"]);
                Err::<ExportResponse, BoxError>(value("authorization").join("; ").into())
            })
    };
    let sent = |above| async move { stack(above).oneshot(request()).await.unwrap_err().to_string() };
    assert_eq!(sent(None).await, "Bearer fetched", "before the configured one of its name");
    assert_eq!(sent(Some("set by a layer")).await, "set by a layer");
}

#[tokio::test]
async fn no_text_shows_a_token() {
    // conf: HDR-09
    let layer = AuthLayer::new(|| async { Token::basic("user", "hunter2") });
    let stack = layer
        .clone()
        .layer_on(tower::service_fn(|_: ExportRequest| async { Err::<ExportResponse, _>(unauthorized()) }));
    let mut texts = vec![format!("{layer:?}"), format!("{:?}", Token::bearer("hunter2"))];
    let error = stack.oneshot(request()).await.unwrap_err();
    texts.push(format!("{error} {error:?}"));
    let error = Token::bearer("hunter2\r\nx: y").unwrap_err();
    texts.push(format!("{error} {error:?}"));
    for text in texts {
        assert!(!text.contains("hunter2") && !text.contains("dXNlcjpodW50ZXIy"), "{text}");
    }
}
