// An MCP server on standard input and output that writes down what it was given.
//
//     node probe_server.mjs RECORD VARIABLE[,VARIABLE…] [--hashed KEY]
//
// At start it appends one JSON line to RECORD: its pid, its parent's (the client's), and the named variables of its
// environment; or SHA-256 of KEY and each, so that the record holds no secret. It offers no tools, and ends with its
// standard input.
import crypto from "node:crypto";
import fs from "node:fs";
import readline from "node:readline";

const [record, names, , key] = process.argv.slice(2);
const shown = (value) => (key ? crypto.createHash("sha256").update(key + value).digest("hex") : value);
const given = names.split(",").filter((name) => name in process.env);
const env = Object.fromEntries(given.map((name) => [name, shown(process.env[name])]));
fs.appendFileSync(record, JSON.stringify({ pid: process.pid, ppid: process.ppid, env }) + "\n");

function result(method, params) {
  if (method === "initialize") {
    const serverInfo = { name: "probe", version: "1" };
    return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
  }
  return method === "tools/list" ? { tools: [] } : {};
}

readline
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, method, params } = JSON.parse(line);
    if (id === undefined) return;
    process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, result: result(method, params) }) + "\n");
  })
  .on("close", () => process.exit(0));
