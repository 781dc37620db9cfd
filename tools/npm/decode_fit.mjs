// Decodes a FIT file with Garmin's own SDK: node decode_fit.mjs FILE. JSON on standard output; exit code 1
// when the SDK finds anything wrong with it.
import { readFileSync } from "node:fs";
import { Decoder, Stream } from "@garmin/fitsdk";

const bytes = readFileSync(process.argv[2]);
const stream = Stream.fromByteArray([...bytes]);
const decoder = new Decoder(stream);
const isFit = decoder.isFIT();
const integrity = isFit && decoder.checkIntegrity();
const { messages, errors } = decoder.read();
console.log(JSON.stringify({ isFit, integrity, errors: errors.map(String), messages },
                           (key, value) => (typeof value === "bigint" ? value.toString() : value)));
process.exitCode = isFit && integrity && errors.length === 0 ? 0 : 1;
