import { describe, expect, it } from "vitest";
import { nameProblem } from "@/lib/name-rules";
import { passwordStrength } from "@/lib/password-strength";

describe("passwordStrength", () => {
  it.each(["", "a", "1234567"])("needs eight characters: %j", (password) => {
    expect(passwordStrength(password).level).toBe(0);
  });

  it("tells how many are missing", () => {
    expect(passwordStrength("abcde").advice).toBe("3 more characters needed.");
    expect(passwordStrength("abcdefg").advice).toBe("1 more character needed.");
  });

  it("says that digits alone are refused", () => {
    expect(passwordStrength("8471920461").word).toBe("Digits only");
  });

  it.each([
    "password",
    "P@ssw0rd",
    "qwertzui",
    "aaaaaaaaaaaaaaaa",
    "abcdefghijklm",
    "sunshine2024",
    "summerwinter1",
  ])("calls %s weak", (password) => {
    expect(passwordStrength(password).level).toBe(1);
  });

  it("counts the own name for nothing", () => {
    expect(passwordStrength("margarethe-1", "Margarethe").level).toBe(1);
    expect(passwordStrength("margarethe-1", "somebody").level).toBeGreaterThan(1);
  });

  it.each(["correct horse battery staple", "xK7!pQ2mZ9vT#bLw", "vier kleine graue igel"])(
    "calls %s strong",
    (password) => {
      expect(passwordStrength(password).level).toBe(4);
    },
  );

  it("gains with each added word", () => {
    const levels = ["lantern", "lantern-moss", "lantern-moss-eleven", "lantern-moss-eleven-tide"];
    const found = levels.map((password) => passwordStrength(password).level);
    expect(found).toEqual([...found].sort());
    expect([found.at(0), found.at(-1)]).toEqual([0, 4]);
  });
});

describe("nameProblem", () => {
  it.each(["ana", "A.n-a_9", "x".repeat(32)])("takes %s", (name) => {
    expect(nameProblem(name)).toBeNull();
  });

  it.each(["", "ab", "ana maria", "añá", "x".repeat(33), "a@b.c"])("refuses %j", (name) => {
    expect(nameProblem(name)).not.toBeNull();
  });
});
