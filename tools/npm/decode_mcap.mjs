// Reads an MCAP file with @mcap/core, whole and by its index: node decode_mcap.mjs FILE. JSON on standard
// output, messages as base64; exit code 1 when a CRC or an index is wrong.
import { open } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { McapIndexedReader, McapStreamReader } from "@mcap/core";

const path = process.argv[2];

// In file order, every record, every CRC.
const stream = new McapStreamReader({ validateCrcs: true });
stream.append(readFileSync(path));
const seen = { Message: 0 };
for (let record; (record = stream.nextRecord()); ) seen[record.type] = (seen[record.type] ?? 0) + 1;
const done = stream.done();

// By the index, as Foxglove reads it.
const file = await open(path);
const readable = {
  size: async () => BigInt((await file.stat()).size),
  read: async (offset, length) => {
    const buffer = new Uint8Array(Number(length));
    await file.read({ buffer, position: Number(offset) });
    return buffer;
  },
};
const reader = await McapIndexedReader.Initialize({ readable });
const messages = [];
for await (const message of reader.readMessages({ validateCrcs: true })) {
  messages.push([message.channelId, message.sequence, String(message.logTime),
                 Buffer.from(message.data).toString("base64")]);
}
const metadata = [];
for await (const entry of reader.readMetadata()) metadata.push([entry.name, Object.fromEntries(entry.metadata)]);
await file.close();
const statistics = reader.statistics;
console.log(JSON.stringify({
  done, seen, messages, metadata,
  schemas: [...reader.schemasById.values()].map((s) => ({ id: s.id, name: s.name, encoding: s.encoding,
                                                          data: Buffer.from(s.data).toString("base64") })),
  channels: [...reader.channelsById.values()].map((c) => ({ id: c.id, topic: c.topic,
                                                            messageEncoding: c.messageEncoding })),
  statistics: { messageCount: String(statistics.messageCount), chunkCount: statistics.chunkCount,
                channelCount: statistics.channelCount, schemaCount: statistics.schemaCount },
}));
process.exitCode = done && String(statistics.messageCount) === String(messages.length) ? 0 : 1;
