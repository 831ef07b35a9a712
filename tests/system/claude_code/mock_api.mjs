// Stands in for the model's API on loopback, so that the real Claude Code runs without a network and without an account.
//
// Prints its port on one line. Then each line on standard input is an order that is confirmed by one line on standard
// output: `answer` (the default) and `refuse` (400 to every request for a message) set what follows, `count` reports how
// many messages were asked for. `call JSON` has the model ask for these uses of tools, a list of [NAME, INPUT], in the next
// message that may have any, all of them at once; `results` reports what came of them, a list of [FAILED, TEXT].
// Ends when standard input closes, and in any case after half an hour.
//
// It refuses with 400 because the client repeats a request for minutes after 401, 429 and 5xx.
import http from "node:http";
import readline from "node:readline";

const TEXT = "Hello from the mock.";
const MOST_BODY = 16 << 20;
let refusing = false;
let asked = 0;
let calls = [];
let results = [];

const message = (content, stop_reason, output_tokens) => ({
  id: "msg_mock", type: "message", role: "assistant", model: "mock", content, stop_reason, stop_sequence: null,
  usage: { input_tokens: 1, output_tokens },
});

const toolUse = (calls) => [
  { type: "message_start", message: message([], null, 0) },
  ...calls.flatMap(([name, input], index) => [
    { type: "content_block_start", index, content_block: { type: "tool_use", id: `toolu_${index}`, name, input: {} } },
    { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: JSON.stringify(input) } },
    { type: "content_block_stop", index },
  ]),
  { type: "message_delta", delta: { stop_reason: "tool_use", stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: "message_stop" },
];

// What the model is told came of its uses of tools.
function note(body) {
  for (const { content } of JSON.parse(body).messages ?? []) {
    for (const block of Array.isArray(content) ? content : []) {
      const index = block.type === "tool_result" && /^toolu_(\d+)$/.exec(block.tool_use_id)?.[1];
      const text = typeof block.content === "string" ? block.content : JSON.stringify(block.content);
      if (index) results[index] = [block.is_error === true, text];
    }
  }
}

const events = [
  { type: "message_start", message: message([], null, 0) },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: TEXT } },
  { type: "content_block_stop", index: 0 },
  { type: "message_delta", delta: { stop_reason: "end_turn", stop_sequence: null }, usage: { output_tokens: 5 } },
  { type: "message_stop" },
];

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function answer(path, body, response) {
  if (path === "/v1/messages/count_tokens") return json(response, 200, { input_tokens: 1 });
  if (path !== "/v1/messages") return json(response, 200, {});
  asked += 1;
  if (refusing) {
    const error = { type: "invalid_request_error", message: "refused by the mock" };
    return json(response, 400, { type: "error", error });
  }
  if (!body.includes('"stream":true')) {
    return json(response, 200, message([{ type: "text", text: TEXT }], "end_turn", 5));
  }
  note(body);
  const uses = calls.length > 0 && body.includes('"name":"Bash"') ? calls.splice(0) : [];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const event of uses.length > 0 ? toolUse(uses) : events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}

const server = http.createServer((request, response) => {
  const path = new URL(request.url, "http://mock").pathname;
  const parts = [];
  let size = 0;
  request.on("data", (part) => {
    size += part.length;
    if (size > MOST_BODY) return request.destroy();
    parts.push(part);
  });
  request.on("end", () => (request.method === "POST" ? answer(path, Buffer.concat(parts), response) : json(response, 200, {})));
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));

readline
  .createInterface({ input: process.stdin })
  .on("line", (order) => {
    if (order === "refuse") refusing = true;
    if (order === "answer") refusing = false;
    if (order.startsWith("call ")) [calls, results] = [JSON.parse(order.slice(5)), []];
    if (order === "results") return console.log(JSON.stringify(results));
    console.log(order === "count" ? asked : "done");
  })
  .on("close", () => process.exit(0));
setTimeout(() => process.exit(1), 1_800_000).unref();
