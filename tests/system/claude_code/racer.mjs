// An independent writer that follows the client's lock protocol, through the library the client uses for it.
//
//     node racer.mjs MODULES FILE NAME UPDATES
//
// UPDATES times, as fast as it can: lock `FILE.lock` → read → count NAME up by one → write a file beside it → rename →
// unlock. A lock that another holds is waited for (ten seconds at most). At the end it prints one JSON line: how many
// updates it made, and what it last wrote for NAME. The two are equal if none was lost. MODULES is a node_modules folder.
//
// It keeps every key it does not know, as the client does, and never writes in place.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const [modules, file, name, updates] = process.argv.slice(2);
const lockfile = createRequire(path.join(modules, "from-here.js"))("proper-lockfile");
const options = { stale: 10_000, realpath: false, lockfilePath: `${file}.lock`, retries: { retries: 2000, factor: 1, minTimeout: 1, maxTimeout: 5 } };
options.onCompromised = (error) => {
  console.error(`the lock was taken away: ${error.message}`);
  process.exit(1);
};

let made = 0;
let last = 0;
for (; made < Number(updates); made += 1) {
  const unlock = await lockfile.lock(file, options);
  try {
    const document = JSON.parse(fs.readFileSync(file, "utf8"));
    last = (document[name] ?? 0) + 1;
    document[name] = last;
    const beside = `${file}.tmp.${process.pid}.${made}`;
    fs.writeFileSync(beside, JSON.stringify(document, null, 2), { mode: 0o600 });
    fs.renameSync(beside, file);
  } finally {
    await unlock();
  }
}
console.log(JSON.stringify({ made, last }));
