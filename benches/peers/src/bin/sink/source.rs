//! What bytes come from, which can be waited for until there are many: on Linux.
//!
//! Otherwise the system wakes who reads for each segment. That costs both sides of a loopback connection, and what the receiver
//! uses of a core that the client runs on, too, the client lacks.

use std::io::{self, Read};

/// Where bytes come from.
pub(crate) trait Source: Read {
    /// Has it be readable only when there are so many bytes, or the end.
    fn set_least(&mut self, _bytes: usize) -> io::Result<()> {
        Ok(())
    }

    /// Waits until it is readable.
    fn wait(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Source for &[u8] {}

#[cfg(not(target_os = "linux"))]
impl Source for std::net::TcpStream {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn make_room(_: &std::net::TcpListener) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
pub(crate) use linux::make_room;

#[cfg(target_os = "linux")]
mod linux {
    use super::Source;
    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use nix::sys::socket::{setsockopt, sockopt};
    use nix::{libc, setsockopt_impl, sockopt_impl};
    use std::io;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    /// What is asked for of the system; it gives twice that.
    const SYSTEM_BUFFER: usize = 2 * 1024 * 1024;

    sockopt_impl!(
        /// So many bytes make a socket readable.
        LowWater,
        SetOnly,
        libc::SOL_SOCKET,
        libc::SO_RCVLOWAT,
        u32
    );

    /// Gives the connections of a listener buffers with room for all that is waited for. Without, the system fits the buffer
    /// to that: a client's last segment finds no room then, and waits 200 ms before it asks again.
    pub(crate) fn make_room(listener: &TcpListener) -> io::Result<()> {
        Ok(setsockopt(listener, sockopt::RcvBuf, &SYSTEM_BUFFER)?)
    }

    impl Source for TcpStream {
        fn set_least(&mut self, bytes: usize) -> io::Result<()> {
            Ok(setsockopt(self, LowWater, &u32::try_from(bytes).unwrap_or(u32::MAX))?)
        }

        /// Not in `read`: that takes what is there and waits for the rest, and then is woken only when the rest alone is as
        /// much as was to be waited for, which may be never.
        fn wait(&mut self) -> io::Result<()> {
            let mut readable = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
            loop {
                match poll(&mut readable, PollTimeout::NONE) {
                    Err(Errno::EINTR) => {}
                    readable => return readable.map(drop).map_err(io::Error::from),
                }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::io::{Read, Write};
        use std::thread;

        #[test]
        fn who_waits_for_many_bytes_finds_them_all_or_the_end() {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            make_room(&listener).unwrap();
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut source, _) = listener.accept().unwrap();
            let writer = thread::spawn(move || (0..65).for_each(|_| client.write_all(&[7; 1024]).unwrap()));
            let mut buffer = vec![0; 64 * 1024];
            source.set_least(buffer.len()).unwrap();
            source.wait().unwrap();
            assert_eq!(source.read(&mut buffer).unwrap(), buffer.len());
            source.wait().unwrap();
            assert_eq!(source.read(&mut buffer).unwrap(), 1024);
            writer.join().unwrap();
        }
    }
}
