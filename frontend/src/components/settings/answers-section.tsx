"use client";

import { RotateCcw } from "lucide-react";
import { Card } from "./parts";
import { ProblemNote } from "@/components/auth/problem-note";
import { Button } from "@/components/ui/button";
import { Slider } from "@/components/ui/slider";
import { useSession } from "@/hooks/use-app";
import { useCountdown } from "@/hooks/use-countdown";
import { type SamplingChoice, useSamplingChoice } from "@/hooks/use-sampling-choice";
import { isStandard, type Knob, KNOBS, valueOf, withValue } from "@/lib/sampling";

export function AnswersSection() {
  const { status } = useSession();
  const choice = useSamplingChoice();
  const waitS = useCountdown(choice.failure?.retryAfterS ?? null, choice.attempt);
  const place =
    status === "guest" ? "They are kept on this device." : "They hold on all your devices.";
  return (
    <Card
      lead={`How the model picks its words, from your next message on. The defaults suit most questions. ${place}`}
    >
      <div className="space-y-8">
        {KNOBS.map((knob) => (
          <KnobSlider key={knob.name} knob={knob} choice={choice} />
        ))}
      </div>
      <div className="mt-8 space-y-4 border-t pt-5">
        <ProblemNote failure={choice.failure} waitS={waitS} />
        <div className="flex flex-wrap items-center gap-4">
          <Button
            variant="outline"
            disabled={isStandard(choice.shown)}
            onClick={() => void choice.save({})}
            data-testid="sampling-reset"
          >
            <RotateCcw className="size-4" />
            Back to the defaults
          </Button>
          <p role="status" className="text-sm text-ink-soft" data-testid="sampling-status">
            {STATUS_WORDS[choice.status]}
          </p>
        </div>
      </div>
    </Card>
  );
}

const STATUS_WORDS: Record<SamplingChoice["status"], string> = {
  idle: "",
  saving: "Saving…",
  saved: "Saved.",
  failed: "Not saved; what was before is back.",
};

function KnobSlider({ knob, choice }: { knob: Knob; choice: SamplingChoice }) {
  const value = valueOf(choice.shown, knob);
  const shown = knob.step < 1 ? value.toFixed(2) : String(value);
  return (
    <Slider
      label={knob.label}
      value={value}
      min={knob.min}
      max={knob.max}
      step={knob.step}
      shown={value === knob.standard ? `${shown} (default)` : shown}
      onChange={(next) => choice.show(withValue(choice.shown, knob, next))}
      onCommit={(next) => void choice.save(withValue(choice.shown, knob, next))}
      testId={`knob-${knob.name}`}
      hint={
        <>
          <span className="-mt-1 mb-1.5 flex justify-between text-xs" aria-hidden="true">
            <span>{knob.ends[0]}</span>
            <span>{knob.ends[1]}</span>
          </span>
          {knob.hint}
        </>
      }
    />
  );
}
