package io.jllm.grammar.json;

import io.jllm.grammar.Expr;
import java.util.List;

/** What stands around the members of an object, as JSON has it or as a syntax of calls has it for arguments. */
interface Framing {
    Expr open();

    /** Between two members. */
    Expr between();

    Expr close();

    /**
     * A member of a name.
     *
     * @param value what holds for its value
     * @return nothing if there can be no such member
     */
    Expr member(String name, List<Schema> value);

    /** Whether members may be written that no schema names. */
    boolean others();

    /** A name or nothing, and a value. */
    static Expr pair(Expr name, Expr value) {
        return value.equals(Expr.NOTHING) ? Expr.NOTHING : Expr.seq(name, value);
    }
}
