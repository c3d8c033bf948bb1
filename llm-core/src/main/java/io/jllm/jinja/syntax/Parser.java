package io.jllm.jinja.syntax;

import io.jllm.jinja.syntax.Stmt.MacroDefinition;
import io.jllm.jinja.syntax.Stmt.Target;
import io.jllm.jinja.syntax.Token.Kind;
import io.jllm.jinja.value.JinjaException;
import io.jllm.jinja.value.Str;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Reads templates. Source: the manual of Jinja 3.1, "List of Control Structures". */
public final class Parser {
    private static final Set<String> OTHER_FILES = Set.of("include", "import", "from", "extends", "block");

    private final Tokens tokens;
    private final ExpressionParser expressions;
    private int loops;

    private Parser(Tokens tokens) {
        this.tokens = tokens;
        expressions = new ExpressionParser(tokens);
    }

    /**
     * The statements of a template.
     *
     * @throws JinjaException if it is no template, or wants what is not supported, such as other files; with the line
     */
    public static List<Stmt> parse(String template) {
        return new Parser(new Tokens(Lexer.tokens(template))).body("", 1);
    }

    /**
     * Statements up to a block that ends them, which is left at its name; to the end of the template for none.
     *
     * @param begun the statement that they belong to
     */
    private List<Stmt> body(String begun, int line, String... ends) {
        List<Stmt> body = new ArrayList<>();
        tokens.enter();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case DATA -> body.add(new Stmt.Text(Str.trusted(token.text())));
                case VARIABLE_BEGIN -> {
                    body.add(new Stmt.Print(expressions.tuple(true, false)));
                    tokens.expect(Kind.VARIABLE_END);
                }
                case BLOCK_BEGIN -> {
                    for (String end : ends) {
                        if (tokens.current().isName(end)) {
                            tokens.leave();
                            return body;
                        }
                    }
                    body.addAll(statement());
                    tokens.expect(Kind.BLOCK_END);
                }
                case END -> {
                    if (ends.length > 0) {
                        throw new JinjaException("the template ends before '" + ends[ends.length - 1] + "' of the '" + begun + "' in line " + line,
                                token.line());
                    }
                    tokens.leave();
                    return body;
                }
                default -> throw new JinjaException("unexpected " + token.shown(), token.line());
            }
        }
    }

    /** The body of a block statement whose own block ends here, up to the end of its last block. */
    private List<Stmt> bodyTo(String begun, int line, String end) {
        tokens.expect(Kind.BLOCK_END);
        List<Stmt> body = body(begun, line, end);
        tokens.next();
        return body;
    }

    /** One statement; several for {@code print} of several values. */
    private List<Stmt> statement() {
        Token word = tokens.expect(Kind.NAME);
        int line = word.line();
        return switch (word.text()) {
            case "for" -> List.of(loop(line));
            case "if" -> List.of(condition(line));
            case "set" -> List.of(assignment(line));
            case "macro" -> List.of(macro(line));
            case "call" -> List.of(call(line));
            case "filter" -> {
                List<Expr.FilterCall> filters = new ArrayList<>();
                do {
                    filters.add(expressions.operands().filter());
                } while (tokens.skipOperator("|"));
                yield List.of(new Stmt.FilterBlock(filters, bodyTo("filter", line, "endfilter")));
            }
            case "with" -> List.of(with(line));
            case "generation" -> List.of(new Stmt.Generation(bodyTo("generation", line, "endgeneration")));
            case "print" -> print();
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new JinjaException("'" + word.text() + "' outside of a loop", line);
                }
                yield List.of(word.text().equals("break") ? new Stmt.Break(line) : new Stmt.Continue(line));
            }
            case "autoescape" -> throw new JinjaException("'autoescape' is not supported: prompts are no HTML", line);
            case String other when OTHER_FILES.contains(other) -> throw new JinjaException("'" + other
                    + "' is not supported: a template of a model is one file", line);
            default -> throw new JinjaException("unknown tag '" + word.text() + "'", line);
        };
    }

    private List<Stmt> print() {
        List<Stmt> prints = new ArrayList<>();
        while (tokens.current().kind() != Kind.BLOCK_END) {
            if (!prints.isEmpty()) {
                tokens.expectOperator(",");
            }
            prints.add(new Stmt.Print(expressions.expression()));
        }
        return prints;
    }

    private Stmt loop(int line) {
        Target target = target(false);
        tokens.expectName("in");
        Expr iterable = expressions.tuple(false, false);
        Optional<Expr> filter = tokens.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = tokens.skipName("recursive");
        tokens.expect(Kind.BLOCK_END);
        loops++;
        List<Stmt> body = body("for", line, "else", "endfor");
        loops--;
        List<Stmt> otherwise = tokens.next().isName("else") ? bodyTo("for", line, "endfor") : List.of();
        return new Stmt.For(target, iterable, filter, recursive, body, otherwise, line);
    }

    private Stmt condition(int line) {
        List<Stmt.If.Branch> branches = new ArrayList<>();
        while (true) {
            Expr test = expressions.tuple(false, false);
            tokens.expect(Kind.BLOCK_END);
            branches.add(new Stmt.If.Branch(test, body("if", line, "elif", "else", "endif")));
            switch (tokens.next().text()) {
                case "elif" -> { }
                case "else" -> {
                    return new Stmt.If(branches, bodyTo("if", line, "endif"));
                }
                default -> {
                    return new Stmt.If(branches, List.of());
                }
            }
        }
    }

    private Stmt assignment(int line) {
        Target target = target(true);
        if (tokens.skipOperator("=")) {
            return new Stmt.Assign(target, expressions.tuple(true, false), line);
        }
        List<Expr.FilterCall> filters = new ArrayList<>();
        while (tokens.skipOperator("|")) {
            filters.add(expressions.operands().filter());
        }
        return new Stmt.AssignBlock(target, filters, bodyTo("set", line, "endset"), line);
    }

    private Stmt with(int line) {
        List<Stmt.Assign> assignments = new ArrayList<>();
        while (tokens.current().kind() != Kind.BLOCK_END) {
            if (!assignments.isEmpty()) {
                tokens.expectOperator(",");
            }
            Target target = target(false);
            tokens.expectOperator("=");
            assignments.add(new Stmt.Assign(target, expressions.expression(), line));
        }
        return new Stmt.With(assignments, bodyTo("with", line, "endwith"));
    }

    private Stmt macro(int line) {
        String name = tokens.expect(Kind.NAME).text();
        return new Stmt.DefineMacro(definition(name, parameters(), "macro", line));
    }

    private Stmt call(int line) {
        List<MacroDefinition.Parameter> parameters = tokens.current().isOperator("(") ? parameters() : List.of();
        if (!(expressions.expression() instanceof Expr.Call call)) {
            throw new JinjaException("'call' needs a call of a macro", line);
        }
        return new Stmt.CallBlock(definition("caller", parameters, "call", line), call);
    }

    /** A macro whose parameters are read. Its body is no part of a loop around it. */
    private MacroDefinition definition(String name, List<MacroDefinition.Parameter> parameters, String begun, int line) {
        int outerLoops = loops;
        loops = 0;
        Set<String> before = expressions.operands().beginNames();
        List<Stmt> body = bodyTo(begun, line, "end" + begun);
        Set<String> read = expressions.operands().endNames(before);
        loops = outerLoops;
        return new MacroDefinition(name, parameters, body, read.contains("caller"), read.contains("varargs"), read.contains("kwargs"), line);
    }

    private List<MacroDefinition.Parameter> parameters() {
        tokens.expectOperator("(");
        List<MacroDefinition.Parameter> parameters = new ArrayList<>();
        while (!tokens.skipOperator(")")) {
            if (!parameters.isEmpty()) {
                tokens.expectOperator(",");
                if (tokens.skipOperator(")")) {
                    break;
                }
            }
            String name = tokens.expect(Kind.NAME).text();
            Optional<Expr> otherwise = tokens.skipOperator("=") ? Optional.of(expressions.expression()) : Optional.empty();
            if (otherwise.isEmpty() && !parameters.isEmpty() && parameters.getLast().otherwise().isPresent()) {
                throw tokens.error("a parameter without a value of its own follows one that has one");
            }
            parameters.add(new MacroDefinition.Parameter(name, otherwise));
        }
        return parameters;
    }

    /** Names with commas between them, and where it may be attributes of namespaces. */
    private Target target(boolean namespaces) {
        List<Target> parts = new ArrayList<>();
        boolean comma;
        do {
            parts.add(single(namespaces));
            comma = tokens.skipOperator(",");
        } while (comma && (tokens.current().kind() == Kind.NAME && !tokens.current().isName("in") || tokens.current().isOperator("(")));
        return parts.size() == 1 && !comma ? parts.getFirst() : new Target.Tuple(parts);
    }

    private Target single(boolean namespaces) {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            Target inner = target(namespaces);
            tokens.expectOperator(")");
            tokens.leave();
            return inner;
        }
        Token name = tokens.expect(Kind.NAME);
        if (Set.of("true", "false", "none", "True", "False", "None").contains(name.text())) {
            throw new JinjaException("'" + name.text() + "' cannot be assigned to", name.line());
        }
        return namespaces && tokens.skipOperator(".") ? new Target.Attribute(name.text(), tokens.expect(Kind.NAME).text())
                : new Target.Name(name.text());
    }
}
