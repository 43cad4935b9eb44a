//! Our own testkit as a receiver: three collectors, in clear text, over TLS, and with the client's certificate.
//!
//! Used by the clients of others, and by the test of the matrix, for which nothing of others has to be there.

use crate::Failure;
use crate::case::{Case, Security, Wire};
use crate::certificates::Certificates;
use crate::matrix::Receiver;
use crate::telemetry::Breadth;
use otlp_testkit::{Collector, Payload, ServerTls};

/// The running collectors; they end with this.
pub(crate) struct Testkit {
    collectors: [Collector; 3],
    /// How many calls of each were read.
    read: [usize; 3],
}

impl Testkit {
    pub(crate) fn start(certificates: &Certificates) -> Result<Self, Failure> {
        let builder = || Collector::builder().grpc().http();
        let tls = ServerTls::new(&certificates.server)?;
        let mutual = ServerTls::mutual(&certificates.server, &certificates.authority)?;
        let collectors = [
            builder().start_blocking()?,
            builder().tls(tls).start_blocking()?,
            builder().tls(mutual).start_blocking()?,
        ];
        Ok(Self { collectors, read: [0; 3] })
    }
}

impl Receiver for Testkit {
    fn endpoint(&self, case: Case) -> Option<String> {
        let [plain, tls, mutual] = &self.collectors;
        let collector = match case.security {
            Security::Plain => plain,
            Security::Tls => tls,
            Security::Mutual => mutual,
        };
        Some(if case.wire == Wire::Grpc { collector.grpc_endpoint() } else { collector.http_endpoint() })
    }

    /// opentelemetry-proto reads from JSON neither NaN nor a value that is none.
    fn breadth(&self, case: Case) -> Breadth {
        if case.wire == Wire::Json { Breadth::Common } else { Breadth::Whole }
    }

    fn arrived(&mut self) -> Result<Vec<Payload>, Failure> {
        let mut arrived = Vec::new();
        for (collector, read) in self.collectors.iter().zip(&mut self.read) {
            if let Some(malformed) = collector.malformed().first() {
                return Err(malformed.to_string().into());
            }
            let received = collector.received();
            arrived.extend(received.calls().skip(*read).map(|call| call.payload.clone()));
            *read = received.calls().len();
        }
        Ok(arrived)
    }
}
