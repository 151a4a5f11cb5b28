import { Twig } from "@/components/brand";

/** Things the model answers well; nothing here promises more than it can do. */
const STARTERS = [
  { text: "hi", note: "Say hello" },
  { text: "what is your name?", note: "Ask who it is" },
  { text: "I feel sad today", note: "Talk about your day" },
  { text: "tell me a story about a dog", note: "Hear a short story" },
  { text: "tell me a joke", note: "Ask for a smile" },
  { text: "my name is Ana. what is my name?", note: "See what it remembers" },
] as const;

interface WelcomeProps {
  readonly isReady: boolean;
  readonly onPick: (text: string) => void;
}

export function Welcome({ isReady, onPick }: WelcomeProps) {
  return (
    <div className="my-auto w-full py-6">
      <Twig className="size-11 text-leaf sm:size-12" />
      <h1 className="mt-5 font-display text-[1.75rem] leading-tight font-bold tracking-tight text-balance sm:text-4xl">
        A small model for small talk
      </h1>
      <p className="mt-3 max-w-xl text-ink-soft text-pretty sm:text-lg">
        EuGPT has 36 million parameters, was trained for this project, and runs right on this server.
        It likes simple English and short chats. It knows few facts, and often gets them wrong.
      </p>
      <h2 className="mt-6 mb-3 text-sm font-medium text-ink-soft">Try one of these</h2>
      <ul className="grid gap-2 sm:grid-cols-2">
        {STARTERS.map(({ text, note }) => (
          <li key={text}>
            <button
              type="button"
              disabled={!isReady}
              onClick={() => onPick(text)}
              data-testid="starter"
              className="flex w-full flex-col rounded-2xl border bg-raised px-4 py-2.5 text-left sm:py-3 transition-colors hover:border-leaf hover:bg-hover"
            >
              <span className="font-medium">{text}</span>
              <span className="text-sm text-ink-soft max-sm:hidden">{note}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
