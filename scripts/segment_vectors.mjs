// Writes tests/vectors/sms_segments.json: how the provider itself counts the segments of a text.
//
//   npm install --prefix DIR sms-segments-calculator@1.3.0     (MIT, by Twilio)
//   python scripts/segment_texts.py | NODE_PATH=DIR/node_modules node scripts/segment_vectors.mjs
//
// Needed again only when a text message gets a letter that no vector has: the test says so.

import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";

const require = createRequire(process.env.NODE_PATH + "/");
const { SegmentedMessage } = require("sms-segments-calculator");
const { version } = require("sms-segments-calculator/package.json");

const vectors = JSON.parse(readFileSync(0, "utf8")).map((text) => {
  const counted = new SegmentedMessage(text);
  return [text, counted.encodingName, counted.segments.length];
});
const about =
  "Outcomes of Twilio's own calculator, npm sms-segments-calculator (MIT). Each: text, encoding, " +
  "segments. Made by scripts/segment_vectors.mjs.";
const lines = vectors.map((vector) => "  " + JSON.stringify(vector)).join(",\n");
writeFileSync(
  "tests/vectors/sms_segments.json",
  `{\n "about": ${JSON.stringify(about)},\n "version": ${JSON.stringify(version)},\n "vectors": [\n${lines}\n ]\n}\n`,
);
