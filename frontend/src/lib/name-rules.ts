/** What a user's name may be, told before the server has to refuse it. */

export const NAME_MAX_CHARS = 32;
export const NAME_HINT = "3 to 32 characters: letters a–z, digits and _ . -";

/** What is wrong with a name, or null. */
export function nameProblem(name: string): string | null {
  if (name === "") return "Choose a name.";
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) return "Use letters a–z, digits and _ . - only.";
  if (name.length < 3) return "At least 3 characters, please.";
  return name.length > NAME_MAX_CHARS ? `At most ${NAME_MAX_CHARS} characters, please.` : null;
}
