import { Twig } from "@/components/brand";

/** Tried with several seeds each: these it mostly answers well, and the notes promise no more. */
const STARTERS = [
  { text: "hi, how are you?", note: "Say hello" },
  { text: "are you a person?", note: "Ask what it is" },
  { text: "I love to cook", note: "Talk about what you like" },
  { text: "I have a cat named Milo. What is my cat's name?", note: "See what it remembers" },
  { text: "what is the capital of Italy?", note: "One of the few facts it knows" },
  { text: "tell me a story about a dog", note: "Short, with odd turns" },
] as const;

interface WelcomeProps {
  readonly isReady: boolean;
  readonly isTemporary: boolean;
  readonly onPick: (text: string) => void;
}

export function Welcome({ isReady, isTemporary, onPick }: WelcomeProps) {
  return (
    <div className="my-auto w-full py-3 sm:py-6">
      <Twig className="size-10 text-leaf sm:size-12" />
      <h1 className="mt-3 font-display text-[1.625rem] leading-tight font-bold tracking-tight text-balance sm:mt-5 sm:text-4xl">
        {isTemporary ? "A chat that leaves no trace" : "A small model for small talk"}
      </h1>
      <p className="mt-2 max-w-xl sm:mt-3 text-ink-soft text-pretty sm:text-lg">
        {isTemporary
          ? "Nothing of it is saved: it is not in your list, and gone when you leave."
          : "EuGPT has 36 million parameters, was trained for this project, and runs right on this server. It likes simple English and short chats. It knows few facts, and often gets them wrong."}
      </p>
      <h2 className="mt-5 mb-2.5 text-sm sm:mt-6 sm:mb-3 font-medium text-ink-soft">Try one of these</h2>
      <ul className="flex flex-wrap gap-2 sm:grid sm:grid-cols-2">
        {STARTERS.map(({ text, note }) => (
          <li key={text}>
            <button
              type="button"
              disabled={!isReady}
              onClick={() => onPick(text)}
              data-testid="starter"
              className="flex h-full min-h-11 flex-col justify-center rounded-2xl border bg-raised px-4 py-2 text-left transition-colors hover:border-leaf hover:bg-hover sm:w-full sm:py-3"
            >
              <span className="text-[0.9375rem] font-medium text-pretty sm:text-base">{text}</span>
              <span className="text-sm text-ink-soft max-sm:hidden">{note}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
