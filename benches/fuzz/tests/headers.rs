//! Lists of headers: what is taken can be sent, what is refused is named by its position, and values are in no text.

use otlp_fuzz::Edited;
use otlp_transport::{Headers, check_header};

const SEEDS: [&str; 5] = [
    "api-key=dGVzdA==, tenant = a%2Cb",
    "Authorization=Bearer%20hunter2hunter2,x-y.z_1=,",
    "k-bin=AAE=,te=trailers,content-type=x",
    "a=caf%C3%A9,b=%ff,c=%0A",
    "a=1,A=2,,no-separator,=v",
];

#[test]
fn headers() {
    bolero::check!().with_type::<Edited>().for_each(|list| {
        let list = list.text(&SEEDS);
        let (headers, told) = match Headers::parse(&list) {
            Ok(headers) => (headers, String::new()),
            Err(error) => {
                let members = list.split(',').count();
                assert!(!error.problems().is_empty());
                assert!(error.problems().iter().all(|problem| (1..=members).contains(&problem.position())));
                let told = format!("{error} {error:?}");
                (error.into_valid(), told)
            }
        };
        let shown = format!("{headers:?}");
        for (name, value) in headers.iter() {
            assert_eq!(check_header(name, value), Ok(()), "{name:?}");
            assert_eq!(headers.get(&name.to_ascii_uppercase()), Some(value));
            // Short ones may stand in a text by accident.
            let secret = value.len() >= 12 && !headers.names().any(|name| name.contains(value));
            assert!(!secret || !(shown.contains(value) || told.contains(value)), "{shown} {told}");
        }
        let mut names: Vec<&str> = headers.names().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), headers.iter().count(), "a name stands once");
        assert!(!told.contains('\n'), "{told:?}");
    });
}
