package io.jllm.jinja.syntax;

import io.jllm.jinja.syntax.Expr.FilterCall;
import io.jllm.jinja.syntax.Expr.Passed;
import io.jllm.jinja.syntax.Token.Kind;
import io.jllm.jinja.value.Bool;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.None;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads what operators stand between: names and literals, with the subscripts, calls, filters and tests that follow them. */
final class OperandParser {
    private static final Set<Kind> STARTS_ARGUMENT = EnumSet.of(Kind.NAME, Kind.STRING, Kind.INTEGER, Kind.FLOAT);

    private final Tokens tokens;
    private final ExpressionParser expressions;
    /** Variables that were read since the macro began that is being read. */
    private Set<String> names = new HashSet<>();

    OperandParser(Tokens tokens, ExpressionParser expressions) {
        this.tokens = tokens;
        this.expressions = expressions;
    }

    /** Begins to note which variables are read, and gives back what was noted so far. */
    Set<String> beginNames() {
        Set<String> before = names;
        names = new HashSet<>();
        return before;
    }

    /** What was noted since; those from before it count on, with these. */
    Set<String> endNames(Set<String> before) {
        Set<String> read = names;
        names = before;
        names.addAll(read);
        return read;
    }

    /** A name, a literal, or an expression in parentheses. */
    Expr primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case NAME -> name(token);
            case STRING -> {
                StringBuilder text = new StringBuilder(token.text());
                while (tokens.current().kind() == Kind.STRING) {
                    text.append(tokens.next().text());
                }
                yield new Expr.Literal(Str.trusted(text.toString()), token.line());
            }
            case INTEGER -> new Expr.Literal(integer(token), token.line());
            case FLOAT -> new Expr.Literal(NumberLiteral.real(token.text()), token.line());
            case OPERATOR -> switch (token.text()) {
                case "(" -> {
                    Expr inner = expressions.tuple(true, true);
                    tokens.expectOperator(")");
                    yield inner;
                }
                case "[" -> new Expr.ListLiteral(items("]"), token.line());
                case "{" -> dict(token.line());
                default -> throw unexpected(token);
            };
            default -> throw unexpected(token);
        };
    }

    private static Value integer(Token token) {
        try {
            return NumberLiteral.integer(token.text());
        } catch (JinjaException e) {
            throw e.at(token.line());
        }
    }

    private static JinjaException unexpected(Token token) {
        return new JinjaException("unexpected " + token.shown(), token.line());
    }

    private Expr name(Token token) {
        return switch (token.text()) {
            case "true", "True" -> new Expr.Literal(Bool.TRUE, token.line());
            case "false", "False" -> new Expr.Literal(Bool.FALSE, token.line());
            case "none", "None" -> new Expr.Literal(None.NONE, token.line());
            default -> {
                names.add(token.text());
                yield new Expr.Name(token.text(), token.line());
            }
        };
    }

    private List<Expr> items(String close) {
        List<Expr> items = new ArrayList<>();
        while (!tokens.skipOperator(close)) {
            if (!items.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(close)) {
                    break;
                }
            }
            items.add(expressions.expression());
        }
        return items;
    }

    private Expr dict(int line) {
        List<Expr.DictLiteral.Pair> pairs = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
            if (!pairs.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator("}")) {
                    break;
                }
            }
            Expr key = expressions.expression();
            tokens.expectOperator(":");
            pairs.add(new Expr.DictLiteral.Pair(key, expressions.expression()));
        }
        return new Expr.DictLiteral(pairs, line);
    }

    /** With the attributes, subscripts and calls that follow. */
    Expr postfix(Expr of) {
        Expr expr = of;
        while (true) {
            Token token = tokens.current();
            if (token.isOperator(".")) {
                tokens.next();
                expr = attribute(expr, token.line());
            } else if (token.isOperator("[")) {
                tokens.next();
                expr = subscript(expr, token.line());
            } else if (token.isOperator("(")) {
                expr = new Expr.Call(expr, passed(), token.line());
            } else {
                return expr;
            }
        }
    }

    private Expr attribute(Expr of, int line) {
        if (tokens.current().kind() == Kind.INTEGER) {
            return new Expr.Item(of, new Expr.Literal(integer(tokens.next()), line), line);
        }
        return new Expr.Attribute(of, Str.trusted(tokens.expect(Kind.NAME).text()), line);
    }

    private Expr subscript(Expr of, int line) {
        List<Expr> keys = new ArrayList<>();
        boolean slice = false;
        while (!tokens.skipOperator("]")) {
            if (!keys.isEmpty()) {
                tokens.expectOperator(",");
            }
            Expr key = subscribed(of, line);
            slice |= key instanceof Expr.Slice;
            keys.add(key);
        }
        if (slice && keys.size() > 1) {
            throw new JinjaException("slices of several dimensions are not supported", line);
        }
        return slice ? keys.getFirst() : new Expr.Item(of, keys.size() == 1 ? keys.getFirst() : new Expr.TupleLiteral(keys, line), line);
    }

    /** A key, or a slice of what it is taken of. */
    private Expr subscribed(Expr of, int line) {
        Expr nothing = new Expr.Literal(None.NONE, line);
        Expr start = nothing;
        if (!tokens.current().isOperator(":")) {
            start = expressions.expression();
            if (!tokens.current().isOperator(":")) {
                return start;
            }
        }
        tokens.expectOperator(":");
        Expr stop = endsBound() ? nothing : expressions.expression();
        Expr step = tokens.skipOperator(":") && !endsBound() ? expressions.expression() : nothing;
        return new Expr.Slice(of, start, stop, step, line);
    }

    private boolean endsBound() {
        Token token = tokens.current();
        return token.isOperator(":") || token.isOperator("]") || token.isOperator(",");
    }

    /** What stands in the parentheses of a call. */
    Passed passed() {
        tokens.expectOperator("(");
        List<Expr> positional = new ArrayList<>();
        List<Passed.Keyword> named = new ArrayList<>();
        Optional<Expr> list = Optional.empty();
        Optional<Expr> dict = Optional.empty();
        boolean first = true;
        while (!tokens.skipOperator(")")) {
            if (!first) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            first = false;
            boolean keyword = tokens.current().kind() == Kind.NAME && tokens.ahead().isOperator("=");
            boolean inOrder = dict.isEmpty() && (keyword || list.isEmpty() && (named.isEmpty() || tokens.current().kind() == Kind.OPERATOR));
            if (!inOrder) {
                throw tokens.error("positional arguments come first, then named ones, *list and **dict");
            }
            if (tokens.skipOperator("*")) {
                list = Optional.of(expressions.expression());
            } else if (tokens.skipOperator("**")) {
                dict = Optional.of(expressions.expression());
            } else if (keyword) {
                String name = tokens.next().text();
                tokens.next();
                named.add(new Passed.Keyword(name, expressions.expression()));
            } else {
                positional.add(expressions.expression());
            }
        }
        return new Passed(positional, named, list, dict);
    }

    /** With the filters, tests and calls that follow. */
    Expr filtered(Expr of) {
        Expr expr = of;
        while (true) {
            Token token = tokens.current();
            if (token.isOperator("|")) {
                tokens.next();
                expr = new Expr.Filter(expr, filter());
            } else if (token.isName("is")) {
                tokens.next();
                expr = test(expr, token.line());
            } else if (token.isOperator("(")) {
                expr = new Expr.Call(expr, passed(), token.line());
            } else {
                return expr;
            }
        }
    }

    /** A filter by its name, with what it is given. */
    FilterCall filter() {
        int line = tokens.current().line();
        String name = dotted();
        return new FilterCall(name, tokens.current().isOperator("(") ? passed() : Passed.NOTHING, line);
    }

    private String dotted() {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME).text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME).text());
        }
        return name.toString();
    }

    private Expr test(Expr of, int line) {
        boolean negated = tokens.skipName("not");
        String name = dotted();
        Token token = tokens.current();
        Passed passed = Passed.NOTHING;
        if (token.isOperator("(")) {
            passed = passed();
        } else if ((STARTS_ARGUMENT.contains(token.kind()) || token.isOperator("[") || token.isOperator("{"))
                && !token.isName("else") && !token.isName("or") && !token.isName("and")) {
            if (token.isName("is")) {
                throw tokens.error("tests cannot be chained with is");
            }
            passed = new Passed(List.of(postfix(primary())), List.of(), Optional.empty(), Optional.empty());
        }
        Expr test = new Expr.Test(of, name, passed, line);
        return negated ? new Expr.Not(test, line) : test;
    }
}
