#compdef inv
# Completion of ./inv in Z shell: source this after compinit, as by  source <(./inv --print-completion-script zsh)

_alpharho_inv() {
    local -a found open closed
    found=("${(@f)$("${words[1]/#\~/$HOME}" --complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    open=(${(M)found:#*[/:]})
    closed=(${found:#*[/:]})
    (( ${#closed} )) && compadd -a closed
    (( ${#open} )) && compadd -S '' -a open
}

compdef _alpharho_inv inv
