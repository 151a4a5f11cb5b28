import { cn } from "@/lib/cn";

/** A eucalyptus twig: three round leaves, which are also the three dots of somebody writing. */
export function Twig({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true" className={cn("size-6", className)}>
      <path
        d="M4.2 21.2C10.4 18.4 15.6 12.4 18.4 2.8"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        opacity="0.65"
      />
      <circle cx="6.9" cy="12.2" r="4.5" fill="currentColor" />
      <circle cx="16.3" cy="15.4" r="3.8" fill="currentColor" opacity="0.75" />
      <circle cx="11.8" cy="4.9" r="3" fill="currentColor" opacity="0.75" />
    </svg>
  );
}

export function Brand({ className }: { className?: string }) {
  return (
    <span className={cn("inline-flex items-center gap-2 text-leaf", className)}>
      <Twig />
      <span className="font-display text-lg font-bold tracking-tight text-ink">EuGPT</span>
    </span>
  );
}
