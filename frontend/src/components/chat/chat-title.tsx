interface ChatTitleProps {
  readonly title: string | null;
}

export function ChatTitle({ title }: ChatTitleProps) {
  if (title === null) return <h1 className="sr-only">Chat</h1>;
  return <h1 className="truncate font-medium">{title}</h1>;
}
