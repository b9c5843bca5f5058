"""The open loop charges a stall to everybody who would have waited."""

from __future__ import annotations

import asyncio

from open_loop import Outcome, post, run

RATE = 200.0


async def _measure(stall_at: int, count: int) -> Outcome:
    """`count` requests at 200/s to a server that answers at once but for one stall of 0.3 s."""
    served = 0
    serving = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        serving.append(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
                served += 1
                if served == stall_at:
                    await asyncio.sleep(0.3)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        except asyncio.IncompleteReadError:
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outcome = await run(port, [post("/x", {}, "c")] * count, RATE, connections=1)
    await asyncio.gather(*[task for task in serving if task])
    server.close()
    return outcome


def test_every_request_is_answered() -> None:
    outcome = asyncio.run(_measure(stall_at=-1, count=40))
    assert outcome.bodies == [b"HTTP/1.1 200 OK\n{}"] * 40


def test_a_stall_counts_for_all_who_were_due_in_it() -> None:
    outcome = asyncio.run(_measure(stall_at=20, count=100))
    late = [latency for latency in outcome.latencies if latency > 20]
    assert max(outcome.latencies) >= 295
    assert len(late) >= 50  # 0.28 s at 200/s; a closed loop would have seen one
