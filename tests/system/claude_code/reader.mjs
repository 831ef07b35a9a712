// A reader that follows no protocol: at every instant the file must be there, not empty, and JSON.
//
//     node reader.mjs FILE
//
// Prints `reading`, and reads FILE in bursts until its standard input closes; prints `fault` at the first one. Then it
// prints one JSON line: how often it read, how many different texts it saw, and the first faults with the number of the
// read (ten at most). Ends after twenty minutes.
import fs from "node:fs";

const [file] = process.argv.slice(2);
const faults = [];
const deadline = Date.now() + 1_200_000;
let reads = 0;
let versions = 0;
let before = "";
let running = true;
process.stdin.on("end", () => (running = false)).resume();

function look() {
  let text = "";
  try {
    text = fs.readFileSync(file, "utf8");
    if (text !== before) {
      JSON.parse(text);
      versions += 1;
    }
  } catch (error) {
    if (faults.length === 0) console.log("fault");
    if (faults.length < 10) faults.push(`read ${reads}: ${error.message.slice(0, 80)}`);
  }
  before = text;
  reads += 1;
}

function turn() {
  for (let n = 0; n < 200; n += 1) look();
  if (running && Date.now() < deadline) return setTimeout(turn, 1);
  console.log(JSON.stringify({ reads, versions, faults }));
  process.exit(0);
}
console.log("reading");
turn();
