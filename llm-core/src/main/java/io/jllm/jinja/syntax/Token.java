package io.jllm.jinja.syntax;

/**
 * A piece of a template.
 *
 * @param text of a string what it means, of all else what is written
 * @param line from 1
 */
record Token(Kind kind, String text, int line) {
    /** What it is. */
    enum Kind {
        DATA("text"), VARIABLE_BEGIN("'{{'"), VARIABLE_END("'}}'"), BLOCK_BEGIN("'{%'"), BLOCK_END("'%}'"), NAME("a name"), STRING("a string"),
        INTEGER("a number"), FLOAT("a number"), OPERATOR("an operator"), END("the end of the template");

        private final String shown;

        Kind(String shown) {
            this.shown = shown;
        }

        String shown() {
            return shown;
        }
    }

    boolean isName(String name) {
        return kind == Kind.NAME && text.equals(name);
    }

    boolean isOperator(String sign) {
        return kind == Kind.OPERATOR && text.equals(sign);
    }

    /** As errors show it. */
    String shown() {
        return switch (kind) {
            case NAME, OPERATOR, INTEGER, FLOAT -> "'" + text + "'";
            default -> kind.shown;
        };
    }
}
