//! A headless Chromium, used as a person would: with clicks and keys. Speaks the DevTools protocol over two pipes.
//!
//! Everything that the page should not do is a fault: an error in the console, an exception, a request that fails or leaves
//! this machine. Faults are asserted with [`Browser::blameless`].

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// For anything that is waited for; only a test that fails takes as long.
const PATIENCE: Duration = Duration::from_secs(60);

const NAMES: [&str; 5] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell"];

pub(crate) struct Browser {
    process: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    session: String,
    /// Where the page is; nothing else may be asked.
    origin: String,
    asked: u64,
    faults: Vec<String>,
    profile: PathBuf,
    /// Disconnected when the last process that has its standard error has ended.
    ended: Receiver<()>,
}

impl Browser {
    /// Opens a page. `None`, said loudly, where there is no Chromium.
    pub(crate) fn open(origin: &str) -> Option<Self> {
        let Some(program) = find() else {
            let why = format!("there is no {} on the PATH", NAMES.join(", "));
            otlp_testkit::skipped("the page of `otlp serve --ui`", why);
            return None;
        };
        // Tests run at the same time, in one process.
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let own = format!("chromium-{}-{}", std::process::id(), OPENED.fetch_add(1, Ordering::Relaxed));
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(own);
        let mut process = start(&program, &profile);
        let (to, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (tell, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                if tell.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    break;
                }
            }
        });
        let mut complaints = process.stderr.take().unwrap();
        let (last, ended) = channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut complaints, &mut std::io::sink());
            drop::<Sender<()>>(last);
        });
        let (session, origin, faults) = (String::new(), origin.to_owned(), Vec::new());
        let mut browser = Self { process, to, from, session, origin, asked: 0, faults, profile, ended };
        browser.attach();
        Some(browser)
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = self.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        self.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.size(1280, 800);
        let url = format!("{}/", self.origin);
        self.call("Page.navigate", json!({ "url": url }));
    }

    /// Asks for something and returns the answer.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.asked += 1;
        let mut message = json!({ "id": self.asked, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let told = match self.from.recv_timeout(PATIENCE) {
                Ok(told) => told,
                Err(error) => panic!("{method}({parameters}): {error}; {:?}", self.faults),
            };
            if told["id"] == self.asked {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
            self.judge(&told);
        }
    }

    fn judge(&mut self, told: &Value) {
        let parameters = &told["params"];
        let status = &parameters["response"]["status"];
        let bad = match told["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Inspector.targetCrashed" => true,
            "Runtime.consoleAPICalled" => {
                ["error", "warning", "assert"].iter().any(|it| parameters["type"] == *it)
            }
            "Log.entryAdded" => {
                parameters["entry"]["level"] != "info" && parameters["entry"]["level"] != "verbose"
            }
            "Network.loadingFailed" => parameters["canceled"] != true,
            "Network.responseReceived" => status.as_u64().is_none_or(|status| status >= 400),
            "Network.requestWillBeSent" => {
                let url = parameters["request"]["url"].as_str().unwrap_or_default();
                !url.strip_prefix(&self.origin).is_some_and(|path| path.starts_with('/'))
            }
            _ => false,
        };
        if bad {
            self.faults.push(told.to_string());
        }
    }

    /// Fails if the page did anything that it should not.
    pub(crate) fn blameless(&mut self) {
        // What was told before this answer has been heard with it.
        self.eval("0");
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }

    /// The value of a JavaScript expression.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true }),
        );
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub(crate) fn until(&mut self, expression: &str) {
        let waited = self.eval(&format!(
            "new Promise((done) => {{
                const end = performance.now() + {};
                const look = () => {{
                    if ({expression}) done('');
                    else if (performance.now() > end) done(`${{location.href}} shows ${{document.body.innerText}}`);
                    else setTimeout(look, 10);
                }};
                look();
            }})",
            PATIENCE.as_millis()
        ));
        assert_eq!(waited, "", "never: {expression}; {:?}", self.faults);
    }

    /// Clicks the middle of what an expression finds.
    pub(crate) fn click(&mut self, element: &str) {
        let place = self.eval(&format!(
            "(() => {{ const at = ({element}).getBoundingClientRect(); return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place[0], "y": place[1], "button": button, "clickCount": 1 }),
            );
        }
    }

    /// Presses and releases a key, by its name in `KeyboardEvent.key`.
    pub(crate) fn press(&mut self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "End" => 35,
            "Home" => 36,
            _ => 0,
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if code == 0 || key == "Enter" {
            down["text"] = json!(if key == "Enter" { "\r" } else { key });
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// Presses the keys of a text.
    pub(crate) fn write(&mut self, text: &str) {
        for letter in text.chars() {
            self.press(&letter.to_string());
        }
    }

    /// What the system of the person says: `light` or `dark`.
    pub(crate) fn scheme(&mut self, name: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": name }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// The size of the window.
    pub(crate) fn size(&mut self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false }),
        );
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        // Its helpers end a little later, and write into the profile until then.
        let _ = self.ended.recv_timeout(PATIENCE);
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn find() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    NAMES
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}

fn start(program: &Path, profile: &Path) -> Child {
    // Chromium reads from 3 and writes to 4, which only a shell can give it without unsafe code.
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>&2"#]).arg(program);
    command.args([
        "--headless",
        "--remote-debugging-pipe",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        // It cannot be had as root, as in most containers; what is loaded is our own page.
        "--no-sandbox",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]);
    command.arg(format!("--user-data-dir={}", profile.display()));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
