import { TextField } from "@/components/ui/text-field";
import { EMAIL_MAX_CHARS } from "@/lib/api/email";

interface EmailFieldProps {
  readonly label?: string;
  readonly hint?: string;
  readonly defaultValue?: string;
  readonly autoFocus?: boolean;
  readonly errors?: readonly string[] | undefined;
  readonly testId: string;
}

export function EmailField({ label = "E-mail address", errors, testId, ...props }: EmailFieldProps) {
  return (
    <TextField
      label={label}
      type="email"
      name="email"
      inputMode="email"
      autoComplete="email"
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      required
      maxLength={EMAIL_MAX_CHARS}
      errors={errors}
      data-testid={testId}
      {...props}
    />
  );
}

/** What is wrong with it at a glance; the server looks closer. */
export function emailProblem(email: string): string | null {
  return /^\S+@\S+\.\S+$/.test(email) ? null : "Enter an address like name@example.org.";
}
