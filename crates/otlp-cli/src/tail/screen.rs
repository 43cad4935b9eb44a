//! The terminal while it is ours: raw, on its other screen, and as it was before when we leave, however that is.
//!
//! Used by `tail`. Draws what it is told to.

use ratatui::Frame;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, Stdout};
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Leaves when it is dropped.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    hold: Hold,
}

impl Screen {
    pub(super) fn enter() -> io::Result<Self> {
        let hold = Hold(Arc::new(AtomicBool::new(true)));
        // A panic is told before anything is dropped: on the other screen nobody would read it. One of another thread
        // does not end this one, which goes on drawing.
        let (before, ours, held) = (panic::take_hook(), thread::current().id(), hold.clone());
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == ours {
                held.leave();
            }
            before(info);
        }));
        // From here on dropping it undoes whatever was done.
        let screen = Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?, hold };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        Ok(screen)
    }

    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw)?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.hold.leave();
    }
}

/// Whether the terminal is ours.
#[derive(Clone)]
struct Hold(Arc<AtomicBool>);

impl Hold {
    /// Once: a second time the cursor would be put where it was at first, over what was written since. What fails here
    /// fails because the terminal is gone.
    fn leave(&self) {
        if self.0.swap(false, Ordering::Relaxed) {
            let _ = disable_raw_mode();
            let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
        }
    }
}
