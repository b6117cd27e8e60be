// Serves fauxqs on a free port of the loopback interface (its own command line listens on
// all of them) and says where. It ends when standard input does, so that it never outlives
// the test that started it.
import { buildApp } from "fauxqs";

const app = buildApp({ logger: false });
console.log(await app.listen({ host: "127.0.0.1", port: 0 }));
process.stdin.resume().on("end", () => process.exit());
