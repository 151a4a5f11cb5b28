/**
 * What can be brought back from files: an exported conversation (JSON), or several, one a line, as
 * this page exports them. What cannot be one is told before anything is sent.
 */
import { IMPORT_MAX_BYTES } from "./api/transfer";
import { asObject, parseJson } from "./parse";

const FORMAT = "eugpt.conversation";
/** Of a file with several; more than a page should hold in memory. */
export const FILE_MAX_BYTES = 8 * IMPORT_MAX_BYTES;

/** Why a file cannot be imported, as a sentence. */
export class UnfitFile extends Error {
  override name = "UnfitFile";
}

/** The conversations in a file, each as it is sent. Throws UnfitFile. */
export async function readConversations(file: File): Promise<readonly string[]> {
  if (file.size === 0) throw new UnfitFile("The file is empty.");
  if (file.size > FILE_MAX_BYTES) throw tooLarge(FILE_MAX_BYTES);
  const text = await readText(file);
  const documents = isConversation(text) ? [text] : text.split("\n").filter((line) => line.trim());
  for (const document of documents) {
    if (!isConversation(document)) throw notOurs(text);
    if (new Blob([document]).size > IMPORT_MAX_BYTES) throw tooLarge(IMPORT_MAX_BYTES);
  }
  if (documents.length === 0) throw new UnfitFile("The file is empty.");
  return documents;
}

async function readText(file: File): Promise<string> {
  try {
    return await file.text();
  } catch {
    throw new UnfitFile("The file could not be read.");
  }
}

function isConversation(text: string): boolean {
  try {
    return asObject(parseJson(text)).format === FORMAT;
  } catch {
    return false;
  }
}

function notOurs(text: string): UnfitFile {
  return new UnfitFile(
    parseJson(text) === null
      ? "This is not a JSON file. Only conversations exported as JSON can be imported."
      : "This file was not exported from EuGPT.",
  );
}

function tooLarge(limit: number): UnfitFile {
  return new UnfitFile(`The file is larger than ${limit / 1024 / 1024} MB.`);
}
