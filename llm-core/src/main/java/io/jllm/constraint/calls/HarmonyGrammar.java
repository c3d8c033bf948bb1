package io.jllm.constraint.calls;

import io.jllm.grammar.Expr;
import java.util.List;

/** The messages of an answer of gpt-oss: reasoning, remarks on what it is about to do, and in the end a call or a text for the user. */
final class HarmonyGrammar {
    private static final String START = "<|start|>";
    private static final String CHANNEL = "<|channel|>";
    private static final String MESSAGE = "<|message|>";
    private static final String END = "<|end|>";
    private static final List<String> MARKS = List.of(START, CHANNEL, MESSAGE, END, "<|return|>", "<|call|>", "<|constrain|>");

    private HarmonyGrammar() {
    }

    /** Reasoning once or never, and a call; the token behind it ends the answer. */
    static Expr called(Expr call, SpecialTokens tokens) {
        return Expr.seq(Expr.optional(before("analysis", tokens)), call);
    }

    /** Messages as the model likes, the last of which may be a call. */
    static Expr free(Expr call, SpecialTokens tokens) {
        Expr answer = Expr.seq(tokens.text(CHANNEL + "final" + MESSAGE), text(tokens));
        return Expr.seq(Expr.many(Expr.choice(before("analysis", tokens), before("commentary", tokens))), Expr.choice(call, answer));
    }

    /** A message that another one follows. */
    private static Expr before(String channel, SpecialTokens tokens) {
        return Expr.seq(tokens.text(CHANNEL + channel + MESSAGE), text(tokens), tokens.text(END + START + "assistant"));
    }

    private static Expr text(SpecialTokens tokens) {
        return FreeText.without(MARKS, tokens);
    }
}
