package io.jllm.jinja.syntax;

import io.jllm.jinja.syntax.Token.Kind;
import io.jllm.jinja.value.JinjaException;
import java.util.List;

/** The tokens of a template as a parser goes through them. */
final class Tokens {
    /** Far more than templates nest, and far less than fills the stack of a thread. */
    private static final int MAX_DEPTH = 100;

    private final List<Token> tokens;
    private int at;
    private int depth;

    Tokens(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(at);
    }

    /** The one after the current one. */
    Token ahead() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    /** The current one, which is left behind. */
    Token next() {
        Token token = tokens.get(at);
        if (at < tokens.size() - 1) {
            at++;
        }
        return token;
    }

    /** Goes past a name if it is the current token. */
    boolean skipName(String name) {
        boolean is = current().isName(name);
        if (is) {
            next();
        }
        return is;
    }

    /** Goes past an operator if it is the current token. */
    boolean skipOperator(String sign) {
        boolean is = current().isOperator(sign);
        if (is) {
            next();
        }
        return is;
    }

    Token expect(Kind kind) {
        if (current().kind() != kind) {
            throw error("expected " + kind.shown() + ", found " + current().shown());
        }
        return next();
    }

    void expectOperator(String sign) {
        if (!skipOperator(sign)) {
            throw error("expected '" + sign + "', found " + current().shown());
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw error("expected '" + name + "', found " + current().shown());
        }
    }

    /** Goes one level down in what is nested. */
    void enter() {
        if (++depth > MAX_DEPTH) {
            throw error("statements and expressions are nested more than " + MAX_DEPTH + " deep");
        }
    }

    void leave() {
        depth--;
    }

    JinjaException error(String message) {
        return new JinjaException(message, current().line());
    }
}
