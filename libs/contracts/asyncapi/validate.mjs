// Parses the AsyncAPI file named on the command line; prints every error and fails when there is one.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
const errors = diagnostics.filter((finding) => finding.severity === 0);
for (const error of errors) console.error(error.path.join("."), error.message);
process.exit(errors.length ? 1 : 0);
