"""The wordings around what is recalled. `{fact}` is a clause to the user, `{X}` the bare answer."""

BEFORE_SAY = ("", "", "", "", "", "", "", "just so you know, ", "you should know that ", "well, ")
PLEASE = ("remember this: ", "please remember that ", "keep in mind that ", "don't forget: ")
ACKS = (
    "Good to know, thank you for telling me.",
    "Thank you, I will keep that in mind.",
    "I see! Ask me about it any time.",
    "Understood. What else would you like to tell me?",
    "Noted: {fact}.",
    "So {fact}. Good to know!",
    "{Fact}, understood.",
    "Thank you for telling me that {fact}.",
    "All right, {fact}.",
    "I will remember that {fact}.",
    "{Fact}. That is easy to remember.",
)
BEFORE_ASK = (
    "",
    "",
    "",
    "",
    "",
    "",
    "so ",
    "and ",
    "now, ",
    "tell me, ",
    "quick question: ",
    "hey, ",
)
AROUND_ABOUT = (
    "do you remember {}",
    "do you still know {}",
    "can you tell me {}",
    "can you say {} again",
    "could you repeat {}",
    "have I told you {}",
    "did I mention {}",
    "I want to test you: do you know {}",
    "I forgot {}, can you help me",
    "could you remind me of {}",
    "did you notice {}",
)
ANSWERS = (
    "{Fact}.",
    "{Fact}.",
    "{Fact}.",
    "You told me that {fact}.",
    "You said that {fact}.",
    "{X}.",
    "{X}. You told me so.",
    "{X}, as you told me.",
    "You told me: {fact}.",
    "I remember: {fact}.",
    "{Fact}, I was listening.",
    "{X}! {Fact}.",
    "{Fact}, if I read you right.",
    "From what you told me, {fact}.",
)
YES_ANSWERS = ("Yes, {fact}.", "Of course: {fact}.", "Sure, {fact}.")
TAILS = (
    "Did I get it right?",
    "I was listening!",
    "What else would you like to know?",
    "That was easy.",
    "You mentioned it before.",
    "Try me with a harder one!",
)
UNKNOWN = (
    "You have not told me {about} yet.",
    "I do not know {about}, you have not told me.",
    "You have not mentioned {about} so far. Would you like to tell me?",
    "I'm afraid I do not know {about}. You have not said it in this chat.",
    "You did not tell me {about}, so I will not guess.",
    "That I do not know yet. You have not told me {about}.",
    "You have not told me {about}. I only know that {fact}.",
    "I know that {fact}, but you have not told me {about}.",
)
CORRECTIONS = (
    "no, it is {x}",
    "sorry, I meant {x}",
    "wait, I made a mistake, it is {x}",
    "that was wrong, it is {x}",
    "no, {x}",
    "actually it is {x}",
    "oops, I wanted to say {x}",
)
CORRECTED = (
    "Thank you for the correction: {fact}.",
    "Oh, {x} then! I have changed it.",
    "{X}, not {old}. Thank you for telling me.",
    "I see, {x}. Now I have it right.",
    "No problem, {x} it is.",
    "All right, {fact}.",
)
HELLOS = ("hi", "hello", "hey there", "good evening", "Good morning!", "hello EuGPT", "Hi!")
GREETINGS = (
    "Hello! Before we start, {ask}?",
    "Hi, it is good to see you. {Ask}?",
    "Hello there! {Ask}?",
    "Welcome! May I ask, {ask}?",
)
WHAT_DO_YOU_KNOW = (
    "what do you know about me",
    "what have I told you so far",
    "what did I tell you",
    "what do you remember about me",
    "sum up what I told you",
)
ALL_I_KNOW = (
    "You told me that {}.",
    "I know that {}.",
    "So far I know that {}.",
    "I remember that {}.",
)
RIGHT = (
    "{}, right",
    "{}, is that right",
    "I think {}, or am I wrong",
    "did I say that {}",
    "is it true that {}",
    "{}, isn't it so",
)
YES = ("Yes, {fact}.", "That is right, {fact}.", "Yes! You told me that {fact}.", "Right, {fact}.")
NO = (
    "No, {fact}.",
    "Not quite: {fact}.",
    "No, you told me that {fact}.",
    "I do not think so. You said that {fact}.",
    "That does not fit: {fact}, as you told me.",
)
YOUR_NAME = (
    "and what is your name",
    "and you, what are you called",
    "and who are you",
    "what's your name then",
    "now, what is your own name",
)
I_AM_EUGPT = (
    "My name is EuGPT.",
    "I am EuGPT, a small chat program.",
    "EuGPT, that is me.",
    "I'm called EuGPT.",
    "I am EuGPT, at your service.",
)
