// An MCP server over HTTP that writes down what it was sent.
//
//     node http_probe.mjs RECORD KEY
//
// Prints its port on one line. For each request it appends one JSON line to RECORD: the method of MCP, and SHA-256 of KEY
// and the Authorization header, if there was one. It offers no tools, and ends with its standard input, or after half an
// hour.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";

const [record, key] = process.argv.slice(2);

function result(method, params) {
  if (method === "initialize") {
    const serverInfo = { name: "http probe", version: "1" };
    return { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo };
  }
  return method === "tools/list" ? { tools: [] } : {};
}

function reply(request, response, body) {
  const { id, method, params } = request.method === "POST" ? JSON.parse(body) : { method: request.method };
  const header = request.headers.authorization;
  const authorization = header && crypto.createHash("sha256").update(key + header).digest("hex");
  fs.appendFileSync(record, JSON.stringify({ path: request.url, method, authorization }) + "\n");
  if (request.method !== "POST") return response.writeHead(405).end();
  if (id === undefined) return response.writeHead(202).end();
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ jsonrpc: "2.0", id, result: result(method, params) }));
}

http
  .createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => reply(request, response, body));
  })
  .listen(0, "127.0.0.1", function () {
    console.log(this.address().port);
  });
process.stdin.resume().on("close", () => process.exit(0)).on("end", () => process.exit(0));
setTimeout(() => process.exit(1), 1_800_000).unref();
