package io.jllm.jinja.syntax;

import io.jllm.jinja.syntax.Expr.Compare;
import io.jllm.jinja.syntax.Expr.Compare.Relation;
import io.jllm.jinja.syntax.Token.Kind;
import io.jllm.jinja.value.Arithmetic.Operator;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads expressions. Source: the manual of Jinja 3.1, "Expressions", and its grammar for what that leaves open. */
final class ExpressionParser {
    private final Tokens tokens;
    private final OperandParser operands;
    ExpressionParser(Tokens tokens) {
        this.tokens = tokens;
        operands = new OperandParser(tokens, this);
    }

    /** Which knows what variables are read. */
    OperandParser operands() {
        return operands;
    }

    Expr expression() {
        tokens.enter();
        int line = tokens.current().line();
        Expr expr = or();
        while (tokens.skipName("if")) {
            Expr test = or();
            Optional<Expr> otherwise = tokens.skipName("else") ? Optional.of(expression()) : Optional.empty();
            expr = new Expr.Conditional(test, expr, otherwise, line);
        }
        tokens.leave();
        return expr;
    }

    /** Without {@code if}: that of a loop's filter. */
    Expr unconditional() {
        return or();
    }

    /** An expression, or several with commas between them: a tuple. */
    Expr tuple(boolean conditional, boolean mayBeEmpty) {
        int line = tokens.current().line();
        List<Expr> items = new ArrayList<>();
        boolean comma = false;
        while (!endsTuple()) {
            items.add(conditional ? expression() : unconditional());
            comma = tokens.skipOperator(",");
            if (!comma) {
                break;
            }
        }
        if (items.size() == 1 && !comma) {
            return items.getFirst();
        }
        if (items.isEmpty() && !mayBeEmpty) {
            throw tokens.error("expected an expression, found " + tokens.current().shown());
        }
        return new Expr.TupleLiteral(items, line);
    }

    private boolean endsTuple() {
        Token token = tokens.current();
        return token.kind() == Kind.VARIABLE_END || token.kind() == Kind.BLOCK_END || token.isOperator(")");
    }

    private Expr or() {
        Expr left = and();
        while (tokens.current().isName("or")) {
            int line = tokens.next().line();
            left = new Expr.Or(left, and(), line);
        }
        return left;
    }

    private Expr and() {
        Expr left = not();
        while (tokens.current().isName("and")) {
            int line = tokens.next().line();
            left = new Expr.And(left, not(), line);
        }
        return left;
    }

    private Expr not() {
        if (!tokens.current().isName("not")) {
            return comparison();
        }
        int line = tokens.next().line();
        tokens.enter();
        Expr negated = new Expr.Not(not(), line);
        tokens.leave();
        return negated;
    }

    private Expr comparison() {
        int line = tokens.current().line();
        Expr first = sum();
        List<Compare.Operand> others = new ArrayList<>();
        for (Optional<Relation> relation; (relation = relation()).isPresent(); ) {
            others.add(new Compare.Operand(relation.get(), sum()));
        }
        return others.isEmpty() ? first : new Compare(first, others, line);
    }

    private Optional<Relation> relation() {
        Token token = tokens.current();
        if (token.kind() == Kind.OPERATOR) {
            for (Relation relation : Relation.values()) {
                if (token.text().equals(relation.sign())) {
                    tokens.next();
                    return Optional.of(relation);
                }
            }
        } else if (tokens.skipName("in")) {
            return Optional.of(Relation.IN);
        } else if (token.isName("not") && tokens.ahead().isName("in")) {
            tokens.next();
            tokens.next();
            return Optional.of(Relation.NOT_IN);
        }
        return Optional.empty();
    }

    private Expr sum() {
        Expr left = concatenation();
        for (Token sign = tokens.current(); sign.isOperator("+") || sign.isOperator("-"); sign = tokens.current()) {
            tokens.next();
            left = new Expr.Binary(sign.isOperator("+") ? Operator.ADD : Operator.SUB, left, concatenation(), sign.line());
        }
        return left;
    }

    private Expr concatenation() {
        Expr first = product();
        if (!tokens.current().isOperator("~")) {
            return first;
        }
        int line = tokens.current().line();
        List<Expr> parts = new ArrayList<>(List.of(first));
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return new Expr.Concat(parts, line);
    }

    private Expr product() {
        Expr left = power();
        for (Optional<Operator> operator; (operator = multiplication()).isPresent(); ) {
            int line = tokens.next().line();
            left = new Expr.Binary(operator.get(), left, power(), line);
        }
        return left;
    }

    private Optional<Operator> multiplication() {
        Token token = tokens.current();
        return token.kind() != Kind.OPERATOR ? Optional.empty() : Optional.ofNullable(switch (token.text()) {
            case "*" -> Operator.MUL;
            case "/" -> Operator.DIV;
            case "//" -> Operator.FLOORDIV;
            case "%" -> Operator.MOD;
            default -> null;
        });
    }

    private Expr power() {
        Expr left = unary(true);
        while (tokens.current().isOperator("**")) {
            int line = tokens.next().line();
            left = new Expr.Binary(Operator.POW, left, unary(true), line);
        }
        return left;
    }

    private Expr unary(boolean filters) {
        tokens.enter();
        Token sign = tokens.current();
        Expr expr;
        if (sign.isOperator("-") || sign.isOperator("+")) {
            tokens.next();
            expr = new Expr.Sign(sign.isOperator("-"), unary(false), sign.line());
        } else {
            expr = operands.primary();
        }
        expr = operands.postfix(expr);
        if (filters) {
            expr = operands.filtered(expr);
        }
        tokens.leave();
        return expr;
    }
}
