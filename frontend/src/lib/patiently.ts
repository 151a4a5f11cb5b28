/** Loads parts of the page's own code, which may be asked for while the server is away. */
import { backoffMs } from "./backoff";

/** Some two minutes. What is not there then is not coming: the page is of an older release. */
const ATTEMPTS = 12;

/** Tries again until it comes: a server that starts anew delays a part, and breaks nothing. */
export async function patiently<T>(load: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await load();
    } catch (error) {
      if (attempt + 1 >= ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, backoffMs(attempt)));
    }
  }
}
