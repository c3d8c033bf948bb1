package io.jllm.jinja.syntax;

import io.jllm.jinja.value.Str;
import java.util.List;
import java.util.Optional;

/** A statement. */
public sealed interface Stmt {
    /** What the template writes as it is. */
    record Text(Str text) implements Stmt {
    }

    /** {@code {{ expr }}}. */
    record Print(Expr expr) implements Stmt {
    }

    /**
     * A loop.
     *
     * @param filter which items are taken
     * @param recursive whether {@code loop(...)} runs it again
     * @param otherwise what is done if nothing was gone through
     */
    record For(Target target, Expr iterable, Optional<Expr> filter, boolean recursive, List<Stmt> body, List<Stmt> otherwise, int line)
            implements Stmt {
    }

    record If(List<Branch> branches, List<Stmt> otherwise) implements Stmt {
        /** A condition, and what is done if it is the first one that holds. */
        public record Branch(Expr test, List<Stmt> body) {
        }
    }

    /** {@code {% set target = value %}}. */
    record Assign(Target target, Expr value, int line) implements Stmt {
    }

    /** {@code {% set target | filter %} ... {% endset %}}. */
    record AssignBlock(Target target, List<Expr.FilterCall> filters, List<Stmt> body, int line) implements Stmt {
    }

    record DefineMacro(MacroDefinition macro) implements Stmt {
    }

    /** {@code {% call(parameters) callee(...) %} ... {% endcall %}}. */
    record CallBlock(MacroDefinition caller, Expr.Call call) implements Stmt {
    }

    record FilterBlock(List<Expr.FilterCall> filters, List<Stmt> body) implements Stmt {
    }

    record With(List<Assign> assignments, List<Stmt> body) implements Stmt {
    }

    /** What is between {@code {% generation %}} and its end. */
    record Generation(List<Stmt> body) implements Stmt {
    }

    record Break(int line) implements Stmt {
    }

    record Continue(int line) implements Stmt {
    }

    /**
     * A macro.
     *
     * @param usesCaller whether its body asks for what a call block holds
     * @param usesVarargs whether it takes more positional arguments than it has parameters
     * @param usesKwargs whether it takes named arguments that are no parameters
     */
    record MacroDefinition(String name, List<Parameter> parameters, List<Stmt> body, boolean usesCaller, boolean usesVarargs, boolean usesKwargs,
                           int line) {
        /** A name, and the value it has if the call passes none. */
        public record Parameter(String name, Optional<Expr> otherwise) {
        }
    }

    /** What can be assigned to. */
    sealed interface Target {
        record Name(String name) implements Target {
        }

        /** An attribute of a namespace. */
        record Attribute(String namespace, String name) implements Target {
        }

        record Tuple(List<Target> parts) implements Target {
        }
    }
}
