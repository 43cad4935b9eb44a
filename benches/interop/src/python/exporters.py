"""The OpenTelemetry SDK for Python with its OTLP exporters: makes telemetry of all signals and exports it.

Arguments: grpc or http, the endpoint, none or gzip, and the files of authority, client's certificate and its key, or `-`.
Prints each batch that the SDK hands to an exporter as a line of JSON, encoded by the SDK's own encoder and Google's
protobuf. Fails if an export fails.
"""

import base64
import json
import sys

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

protocol, endpoint, compression, ca, certificate, key = sys.argv[1:7]
failed = []


def exporters():
    """An exporter for each signal."""
    if protocol == "grpc":
        import grpc
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        options = {
            "endpoint": endpoint,
            "compression": grpc.Compression.Gzip if compression == "gzip" else grpc.Compression.NoCompression,
        }
        if ca == "-":
            options["insecure"] = True
        else:
            files = [open(path, "rb").read() if path != "-" else None for path in (ca, key, certificate)]
            options["credentials"] = grpc.ssl_channel_credentials(*files)
        return OTLPSpanExporter(**options), OTLPMetricExporter(**options), OTLPLogExporter(**options)

    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    options = {"compression": Compression.Gzip if compression == "gzip" else Compression.NoCompression}
    if ca != "-":
        options["certificate_file"] = ca
    if certificate != "-":
        options.update(client_certificate_file=certificate, client_key_file=key)
    return (
        OTLPSpanExporter(endpoint=endpoint + "/v1/traces", **options),
        OTLPMetricExporter(endpoint=endpoint + "/v1/metrics", **options),
        OTLPLogExporter(endpoint=endpoint + "/v1/logs", **options),
    )


def told(exporter, signal, encode):
    """The exporter, printing what it is given, and watched for failures."""
    export = exporter.export

    def printed(batch, *arguments, **options):
        data = base64.b64encode(encode(batch).SerializeToString()).decode()
        print(json.dumps({"signal": signal, "request": data}), flush=True)
        result = export(batch, *arguments, **options)
        if result.name != "SUCCESS":
            failed.append(f"{signal}: {result}")
        return result

    exporter.export = printed
    return exporter


spans, metrics, logs = exporters()
resource = Resource({"service.name": "python", "list": ["a", "b"], "int": 2**53 + 1, "double": 0.1, "bool": True})

logger_provider = LoggerProvider(resource=resource)
logger_provider.add_log_record_processor(SimpleLogRecordProcessor(told(logs, "logs", encode_logs)))
logger = logger_provider.get_logger("shop.logs", "1.0", schema_url="https://opentelemetry.io/schemas/1.37.0")

tracer_provider = TracerProvider(resource=resource)
tracer_provider.add_span_processor(BatchSpanProcessor(told(spans, "traces", encode_spans)))
tracer = tracer_provider.get_tracer("shop", "2.1", attributes={"scope": "attribute"})
with tracer.start_as_current_span("checkout", kind=SpanKind.SERVER, attributes={"user": "Müller, 李"}) as checkout:
    with tracer.start_as_current_span("charge", kind=SpanKind.CLIENT, links=[Link(checkout.get_span_context())]) as charge:
        charge.set_attributes({"text": "x", "int": -1, "double": 1e300, "bool": False, "list": [1, 2, 3]})
        charge.add_event("retry", {"attempt": 2})
        charge.record_exception(ValueError("declined"))
        charge.set_status(Status(StatusCode.ERROR, "declined"))
    context = trace.set_span_in_context(checkout)
    logger.emit(
        LogRecord(
            timestamp=1_790_000_000_123_456_789,
            severity_text="WARN",
            severity_number=SeverityNumber.WARN,
            body={"cart": [1, 2.5, True, None], "bytes": b"\x00\xff"},
            attributes={"cart.items": 3},
            context=context,
            event_name="cart.slow",
        )
    )
logger.emit(LogRecord(body="hello", severity_number=SeverityNumber.INFO))

reader = PeriodicExportingMetricReader(told(metrics, "metrics", encode_metrics), export_interval_millis=3_600_000)
view = View(instrument_name="size", aggregation=ExponentialBucketHistogramAggregation())
meter_provider = MeterProvider(resource=resource, metric_readers=[reader], views=[view])
meter = meter_provider.get_meter("shop.metrics")
meter.create_counter("requests", unit="{request}", description="Requests").add(7, {"route": "/cart"})
meter.create_up_down_counter("carts").add(-2)
latency = meter.create_histogram("latency", unit="s")
size = meter.create_histogram("size", unit="By")
for value in (0.01, 0.2, 3.0, 40.0):
    latency.record(value, {"route": "/cart"})
    size.record(value * 1000)
meter.create_gauge("temperature").set(21.5)

for provider in (tracer_provider, meter_provider, logger_provider):
    provider.force_flush()
    provider.shutdown()
if failed:
    sys.exit("; ".join(failed))
