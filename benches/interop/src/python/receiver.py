"""A receiver on gRPC's C-core: decodes with Google's protobuf, and prints each request, encoded anew, as a line of JSON.

Arguments: the files of authority, certificate and key. Says first where it listens: in clear text, over TLS, and over TLS
with a certificate asked of the client. Ends when its standard input does.
"""

import base64
import json
import sys
import threading
from concurrent import futures

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

lock = threading.Lock()


def say(**line):
    with lock:
        print(json.dumps(line), flush=True)


def service(base, signal, answer):
    class Service(base):
        def Export(self, request, context):
            data = request.SerializeToString(deterministic=True)
            say(signal=signal, request=base64.b64encode(data).decode())
            return answer()

    return Service()


def read(path):
    with open(path, "rb") as file:
        return file.read()


authority, certificate, key = map(read, sys.argv[1:4])
server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
trace_service_pb2_grpc.add_TraceServiceServicer_to_server(
    service(trace_service_pb2_grpc.TraceServiceServicer, "traces", trace_service_pb2.ExportTraceServiceResponse), server
)
metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
    service(
        metrics_service_pb2_grpc.MetricsServiceServicer, "metrics", metrics_service_pb2.ExportMetricsServiceResponse
    ),
    server,
)
logs_service_pb2_grpc.add_LogsServiceServicer_to_server(
    service(logs_service_pb2_grpc.LogsServiceServicer, "logs", logs_service_pb2.ExportLogsServiceResponse), server
)
tls = grpc.ssl_server_credentials([(key, certificate)])
mutual = grpc.ssl_server_credentials([(key, certificate)], root_certificates=authority, require_client_auth=True)
ports = [
    server.add_insecure_port("127.0.0.1:0"),
    server.add_secure_port("127.0.0.1:0", tls),
    server.add_secure_port("127.0.0.1:0", mutual),
]
server.start()
say(ports=ports)
sys.stdin.read()
server.stop(None)
