package io.jllm.grammar.json;

import io.jllm.grammar.Expr;
import java.util.List;

/** Arguments by name as Python has them: {@code (a=1, b="x")}. */
record PythonArguments(SchemaCompiler compiler) implements Framing {
    @Override
    public Expr open() {
        return Expr.text("(");
    }

    @Override
    public Expr between() {
        return JsonTexts.COMMA;
    }

    @Override
    public Expr close() {
        return Expr.text(")");
    }

    @Override
    public Expr member(String name, List<Schema> value) {
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            throw new IllegalArgumentException("the property \"" + name + "\" cannot be the name of an argument as Python has it: letters, digits and"
                    + " _, no digit first");
        }
        return Framing.pair(Expr.text(name + "="), compiler.value(value));
    }

    @Override
    public boolean others() {
        return false;
    }
}
