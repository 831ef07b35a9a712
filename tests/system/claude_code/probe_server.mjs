// An MCP server on standard input and output that writes down what it was given.
//
//     node probe_server.mjs RECORD VARIABLE[,VARIABLE…] [ARGUMENT…]
//
// At start it appends one JSON line to RECORD: its pid, its parent's (the client's), the named variables of its
// environment, and its further arguments. It offers no tools, and ends with its standard input.
import fs from "node:fs";
import readline from "node:readline";

const [record, names, ...args] = process.argv.slice(2);
const env = Object.fromEntries(names.split(",").map((name) => [name, process.env[name] ?? null]));
fs.appendFileSync(record, JSON.stringify({ pid: process.pid, ppid: process.ppid, env, args }) + "\n");

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
