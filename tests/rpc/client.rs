//! What a client does: connections, timeouts, failures, cancellation, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tars::{Communicator, Server, code};
use tokio::task::JoinSet;

use crate::common::{ANYWHERE, Gate, OBJECT, Place, RawServer, Servant, TestServer, echo, echo_response, framed};

/// A communicator whose calls wait as long as the test needs them; for calls that nobody answers.
fn patient() -> Communicator {
    Communicator::builder().timeout(Duration::from_mins(1)).build()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_wait_on_one_connection_and_all_are_answered() {
    const CALLS: usize = 10_000;
    let gate = Gate::new();
    let server = TestServer::of(
        Server::builder()
            .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
            .max_calls_per_connection(CALLS)
            .max_connections(1),
    )
    .await;
    let proxy = server.proxy();
    let mut calls = JoinSet::new();
    for number in 0..CALLS {
        let call = echo(&proxy, &number.to_string()).timeout(Duration::from_mins(1));
        calls.spawn(async move { (number, call.await.unwrap()) });
    }
    gate.entered(CALLS).await;
    assert_eq!(proxy.in_flight(), CALLS);
    gate.release(CALLS);
    while let Some(answer) = calls.join_next().await {
        let (number, text) = answer.unwrap();
        assert_eq!(text, number.to_string());
    }
    assert_eq!(proxy.in_flight(), 0);
}

#[tokio::test]
async fn no_answer_in_time_is_a_timeout_that_names_the_server() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let _raw = server.connected(&proxy).await;
    let error = echo(&proxy, "x").timeout(Duration::from_millis(30)).await.unwrap_err();
    assert_eq!(error.code(), code::INVOKE_TIMEOUT);
    let address = server.endpoint().address();
    assert_eq!(
        error.message(),
        format!("{OBJECT}.echo: no answer from {address} within 30 ms")
    );
    assert_eq!(proxy.in_flight(), 0);
}

#[tokio::test]
async fn late_answers_are_dropped() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let mut raw = server.connected(&proxy).await;
    let late = echo(&proxy, "late").timeout(Duration::from_millis(30)).await;
    assert_eq!(late.unwrap_err().code(), code::INVOKE_TIMEOUT);
    let late_id = raw.request().await.unwrap().i_request_id;
    let next = tokio::spawn(echo(&proxy, "next").into_future());
    let next_id = raw.request().await.unwrap().i_request_id;
    assert_ne!(late_id, next_id);
    for (id, text) in [
        (late_id, "late"),
        (0, "pushed"),
        (-5, "odd"),
        (next_id, "next"),
        (next_id, "twice"),
    ] {
        raw.send(&framed(&echo_response(id, text))).await;
    }
    assert_eq!(next.await.unwrap().unwrap(), "next");
    let last = tokio::spawn(echo(&proxy, "last").into_future());
    let last_id = raw.request().await.unwrap().i_request_id;
    raw.send(&framed(&echo_response(last_id, "last"))).await;
    assert_eq!(last.await.unwrap().unwrap(), "last");
}

#[tokio::test]
async fn timeouts_of_different_lengths_end_in_their_order() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let _raw = server.connected(&proxy).await;
    // Otherwise a pause of the machine could end several at once.
    tokio::time::pause();
    let mut calls = JoinSet::new();
    for millis in [90, 30, 60] {
        let call = echo(&proxy, "x").timeout(Duration::from_millis(millis));
        calls.spawn(async move {
            assert_eq!(call.await.unwrap_err().code(), code::INVOKE_TIMEOUT);
            millis
        });
    }
    for millis in [30, 60, 90] {
        assert_eq!(calls.join_next().await.unwrap().unwrap(), millis);
    }
}

#[tokio::test]
async fn a_cancelled_call_leaves_nothing_behind() {
    let gate = Gate::new();
    let server = TestServer::start(Servant::gated(&gate)).await;
    let proxy = server.proxy();
    let call = tokio::spawn(echo(&proxy, "x").into_future());
    gate.entered(1).await;
    assert_eq!(proxy.in_flight(), 1);
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(proxy.in_flight(), 0);
    gate.release(2);
    assert_eq!(echo(&proxy, "y").await.unwrap(), "y");
}

#[tokio::test]
async fn a_refused_connection_names_the_server() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let place = server.closed();
    let address = place.address();
    let error = echo(&proxy, "x").await.unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    assert!(
        error
            .message()
            .starts_with(&format!("{OBJECT}.echo: cannot connect to {address}: ")),
        "{error}"
    );
}

#[tokio::test]
async fn a_broken_connection_fails_its_calls_and_the_next_call_connects_again() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let call = tokio::spawn(echo(&proxy, "lost").into_future());
    let mut raw = server.accept().await;
    raw.request().await.unwrap();
    drop(raw);
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    let address = server.endpoint().address();
    assert_eq!(
        error.message(),
        format!("{OBJECT}.echo: connection to {address} ended: closed by the server; the request may have arrived")
    );

    let call = tokio::spawn(echo(&proxy, "again").into_future());
    let mut raw = server.accept().await;
    let id = raw.request().await.unwrap().i_request_id;
    raw.send(&framed(&echo_response(id, "again"))).await;
    assert_eq!(call.await.unwrap().unwrap(), "again");
}

#[tokio::test]
async fn bytes_that_are_no_answer_end_the_connection_with_a_clear_error() {
    let cases: [(&[u8], &str); 4] = [
        (
            &[0x7f, 0xff, 0xff, 0xff, 0],
            "a frame of 2147483647 bytes, but at most 10485760 are allowed",
        ),
        (&[0, 0, 0, 3], "a frame of 3 bytes, but at least 4 are its own length"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "a frame of 1213486160 bytes, but at most 10485760 are allowed",
        ),
        (&[0, 0, 0, 8, 0x16, 0xff, 0xff, 0xff], "a broken packet: "),
    ];
    for (bytes, reason) in cases {
        let server = RawServer::start().await;
        let proxy = server.proxy();
        let call = tokio::spawn(echo(&proxy, "x").into_future());
        let mut raw = server.accept().await;
        raw.request().await.unwrap();
        raw.send(bytes).await;
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.code(), code::CLIENT_DECODE_ERR);
        assert!(error.message().contains(reason), "{error}");
        assert!(raw.is_closed().await);
    }
}

#[tokio::test]
async fn a_body_that_is_no_reply_is_an_error_of_the_call_alone() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let call = tokio::spawn(echo(&proxy, "x").into_future());
    let mut raw = server.accept().await;
    let mut answer = echo_response(raw.request().await.unwrap().i_request_id, "");
    answer.s_buffer = vec![0x10, 7].into();
    raw.send(&framed(&answer)).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code(), code::CLIENT_DECODE_ERR);
    let expected = format!("answer of {OBJECT}.echo: EchoReply.tars_ret (tag 0)");
    assert!(error.message().starts_with(&expected), "{error}");

    let call = tokio::spawn(echo(&proxy, "x").into_future());
    let mut answer = echo_response(raw.request().await.unwrap().i_request_id, "");
    answer.i_ret = 1001;
    answer.s_result_desc = (&b"not \xff text"[..]).into();
    raw.send(&framed(&answer)).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (1001, "not \u{fffd} text"));
}

#[tokio::test]
async fn an_error_counts_more_than_the_protocol_version_of_its_answer() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let call = tokio::spawn(echo(&proxy, "x").into_future());
    let mut raw = server.accept().await;
    let mut answer = echo_response(raw.request().await.unwrap().i_request_id, "");
    answer.i_version = 0;
    answer.i_ret = 1;
    answer.s_result_desc = "server invoke timeout".into();
    raw.send(&framed(&answer)).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!((error.code(), error.message()), (1, "server invoke timeout"));

    let call = tokio::spawn(echo(&proxy, "x").into_future());
    let mut answer = echo_response(raw.request().await.unwrap().i_request_id, "x");
    answer.i_version = 0;
    raw.send(&framed(&answer)).await;
    let error = call.await.unwrap().unwrap_err();
    assert_eq!(error.code(), code::CLIENT_DECODE_ERR);
    assert_eq!(error.message(), "an answer of protocol version 0");
}

#[tokio::test]
async fn calls_take_turns_between_endpoints_and_pass_over_dead_ones() {
    let counters: [Arc<AtomicUsize>; 2] = Default::default();
    let counted = |counter: &Arc<AtomicUsize>| {
        let counter = Arc::clone(counter);
        Servant::new(move |cx, text| {
            counter.fetch_add(1, Ordering::Relaxed);
            async move { cx.respond::<crate::common::Echo>(text) }
        })
    };
    let servers = [
        TestServer::start(counted(&counters[0])).await,
        TestServer::start(counted(&counters[1])).await,
    ];
    let [first, second] = [&servers[0].endpoints[0], &servers[1].endpoints[0]];
    let comm = Communicator::new();
    let proxy = comm.proxy(&format!("{OBJECT}@{first}:{second}")).unwrap();
    for _ in 0..10 {
        echo(&proxy, "x").await.unwrap();
    }
    assert_eq!(
        counters.each_ref().map(|counter| counter.load(Ordering::Relaxed)),
        [5, 5]
    );

    let places = [Place::new(), Place::new()];
    let [dead, other] = places.each_ref().map(Place::endpoint);
    let proxy = comm.proxy(&format!("{OBJECT}@{dead}:{first}:{second}")).unwrap();
    for _ in 0..10 {
        echo(&proxy, "x").await.unwrap();
    }
    assert_eq!(
        counters
            .iter()
            .map(|counter| counter.load(Ordering::Relaxed))
            .sum::<usize>(),
        20
    );

    let error = echo(&comm.proxy(&format!("{OBJECT}@{dead}:{other}")).unwrap(), "x")
        .await
        .unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    for endpoint in [dead, other] {
        assert!(
            error
                .message()
                .contains(&format!("cannot connect to {}: ", endpoint.address())),
            "{error}"
        );
    }
}

#[tokio::test]
async fn clients_share_a_connection_and_the_last_one_closes_it() {
    let server = RawServer::start().await;
    let comm = patient();
    let proxies = [
        comm.proxy(&server.object()).unwrap(),
        comm.proxy(&server.object()).unwrap(),
    ];
    let calls = [echo(&proxies[0], "a"), echo(&proxies[1], "b")].map(|call| tokio::spawn(call.into_future()));
    let mut raw = server.accept().await;
    let texts = [raw.request().await.unwrap(), raw.request().await.unwrap()];
    assert_eq!(texts.map(|packet| packet.s_servant_name), [OBJECT, OBJECT]);
    for call in calls {
        call.abort();
    }
    drop(proxies);
    assert!(raw.is_closed().await);
}

#[tokio::test]
async fn a_mark_has_a_connection_of_its_own() {
    let server = RawServer::start().await;
    let comm = patient();
    let endpoint = server.endpoint();
    let mut calls = JoinSet::new();
    let mut connections = Vec::new();
    for object in [format!("{OBJECT}@{endpoint}"), format!("{OBJECT}#1@{endpoint}")] {
        let proxy = comm.proxy(&object).unwrap();
        calls.spawn(echo(&proxy, "x").into_future());
        let mut raw = server.accept().await;
        assert_eq!(raw.request().await.unwrap().s_servant_name, OBJECT);
        connections.push(raw);
    }
}

#[tokio::test]
async fn limits_refuse_a_call_before_it_is_sent() {
    let server = RawServer::start().await;
    let comm = Communicator::builder()
        .timeout(Duration::from_mins(1))
        .max_calls_in_flight(2)
        .max_frame_bytes(100_000)
        .build();
    let proxy = comm.proxy(&server.object()).unwrap();
    let error = echo(&proxy, &"x".repeat(100_000)).await.unwrap_err();
    assert_eq!(error.code(), code::SEND_REQUEST_ERR);
    assert!(error.message().contains("frames are limited to 100000"), "{error}");

    let waiting = [echo(&proxy, "a"), echo(&proxy, "b")].map(|call| tokio::spawn(call.into_future()));
    let mut raw = server.accept().await;
    raw.request().await.unwrap();
    raw.request().await.unwrap();
    let error = echo(&proxy, "c").await.unwrap_err();
    assert_eq!(error.code(), code::SEND_REQUEST_ERR);
    assert!(error.message().contains("2 calls wait for answers"), "{error}");
    assert!(waiting.iter().all(|call| !call.is_finished()));
}

#[tokio::test]
async fn a_server_that_reads_nothing_does_not_fill_the_memory() {
    let server = RawServer::start().await;
    let comm = Communicator::builder()
        .timeout(Duration::from_mins(1))
        .max_unsent_bytes(1_000_000)
        .build();
    let proxy = comm.proxy(&server.object()).unwrap();
    let text = "x".repeat(100_000);
    let mut calls = JoinSet::new();
    // The system takes some megabytes, then the limit comes. Each call is sent before the next is made.
    let error = loop {
        assert!(calls.len() < 1000, "no limit");
        calls.spawn(echo(&proxy, &text).into_future());
        tokio::task::yield_now().await;
        if let Some(ended) = calls.try_join_next() {
            break ended.unwrap().unwrap_err();
        }
    };
    assert_eq!(error.code(), code::SEND_REQUEST_ERR);
    assert!(error.message().contains("bytes wait to be sent to"), "{error}");
}

#[tokio::test]
async fn objects_that_cannot_be_called_are_clear_errors() {
    let cases = [
        (
            OBJECT,
            "`TestApp.EchoServer.EchoObj` names no endpoint: write `TestApp.EchoServer.EchoObj@tcp -h HOST -p PORT`, \
             or give the communicator a locator",
        ),
        (
            "A.B.C@udp -h a -p 1",
            "cannot call `udp -h a -p 1`: only tcp is supported",
        ),
        ("A.B.C@tcp -h a", "cannot call `tcp -h a -p 0`: it has no port"),
        (
            "A.B.C@tcp",
            "object `A.B.C@tcp`, column 7: option `-h` (host) is missing",
        ),
    ];
    for (object, message) in cases {
        let error = Communicator::new().proxy(object).unwrap_err();
        assert_eq!((error.code(), error.message()), (code::ADAPTER_NULL, message));
    }
}

#[tokio::test]
async fn a_one_way_call_is_done_when_it_is_written() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let mut raw = {
        let (sent, raw) = tokio::join!(echo(&proxy, "x").one_way(), server.accept());
        sent.unwrap();
        raw
    };
    assert_eq!(proxy.in_flight(), 0);
    let packet = raw.request().await.unwrap();
    assert_eq!((packet.c_packet_type, packet.s_func_name.as_str()), (1, "echo"));
    assert_ne!(packet.i_request_id, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_cancelled_and_timed_out_at_any_moment_leave_nothing_behind() {
    // While the connection is made, on the way, and in a server that saw the time pass itself.
    const LATE: [i32; 3] = [
        code::PROXY_CONNECT_ERR,
        code::INVOKE_TIMEOUT,
        code::SERVER_QUEUE_TIMEOUT,
    ];
    let server = TestServer::start(Servant::new(|cx, text| async move {
        for _ in 0..text.len() % 7 {
            tokio::task::yield_now().await;
        }
        cx.respond::<crate::common::Echo>(text)
    }))
    .await;
    let proxy = server.proxy();
    let mut callers = JoinSet::new();
    for caller in 0..64_usize {
        let proxy = proxy.clone();
        callers.spawn(async move {
            for round in 0..200_usize {
                let text = "x".repeat(caller * round % 500);
                let call = echo(&proxy, &text).timeout(Duration::from_micros((round % 11 * 300 + 50) as u64));
                match round % 3 {
                    0 => match call.await {
                        Ok(answer) => assert_eq!(answer, text),
                        Err(error) => assert!(LATE.contains(&error.code()), "{error}"),
                    },
                    1 => drop(tokio::time::timeout(Duration::from_micros(round as u64), call.into_future()).await),
                    _ => assert_eq!(echo(&proxy, &text).timeout(Duration::from_mins(1)).await.unwrap(), text),
                }
            }
        });
    }
    callers.join_all().await;
    assert_eq!(proxy.in_flight(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_breaks_every_connection_fails_calls_but_never_hangs_them() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let breaking = tokio::spawn(async move {
        loop {
            let mut raw = server.accept().await;
            for _ in 0..3 {
                let Some(packet) = raw.request().await else { break };
                raw.send(&framed(&echo_response(packet.i_request_id, "x"))).await;
            }
        }
    });
    let mut callers = JoinSet::new();
    for _ in 0..16 {
        let proxy = proxy.clone();
        callers.spawn(async move {
            let mut answered = 0;
            for _ in 0..100 {
                match echo(&proxy, "x").timeout(Duration::from_mins(1)).await {
                    Ok(_) => answered += 1,
                    Err(error) => assert_eq!(error.code(), code::PROXY_CONNECT_ERR, "{error}"),
                }
            }
            answered
        });
    }
    let answered: usize = callers.join_all().await.into_iter().sum();
    assert!(answered > 0);
    assert_eq!(proxy.in_flight(), 0);
    breaking.abort();
}
